//! What S3 answers: the operations that an object store needs, over buckets in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{TryStreamExt, stream};
use s3s::dto::*;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::bucket::{Bucket, Hold, Object as Held, Page, Refusal};

/// Objects and prefixes in one page, as Amazon gives them.
const PAGE_MAX: usize = 1_000;

/// The buckets of a server.
#[derive(Debug)]
pub(crate) struct Buckets {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    /// Whether they can lock what is in them.
    locks: bool,
}

impl Buckets {
    pub(crate) fn new(names: &[String], locks: bool) -> Self {
        let buckets = names.iter().map(|name| (name.clone(), Bucket::default()));
        Self { buckets: Mutex::new(buckets.collect()), locks }
    }

    /// Does something with a bucket; nobody else does at the same time.
    fn with<T>(&self, name: &str, what: impl FnOnce(&mut Bucket) -> T) -> S3Result<T> {
        let mut buckets: MutexGuard<'_, _> = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get_mut(name).map(what).ok_or_else(|| s3_error!(NoSuchBucket))
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Held> {
        self.with(bucket, |bucket| bucket.get(key).cloned())?.ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// What an object is to be held by. A bucket without locks refuses, as Amazon's does.
    fn hold(&self, mode: Option<ObjectLockMode>, until: Option<Timestamp>) -> S3Result<Hold> {
        match mode {
            Some(_) if !self.locks => Err(s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration")),
            mode => Ok(Hold { mode, until }),
        }
    }
}

#[async_trait]
impl S3 for Buckets {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(req.input.bucket).or_default();
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        let hold = self.hold(input.object_lock_mode, input.object_lock_retain_until_date)?;
        let (body, create) = (read(input.body).await?, is_create(input.if_none_match.as_ref()));
        let tag = self.with(&input.bucket, |bucket| bucket.put(input.key, body, hold, create))?.map_err(refused)?;
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong(tag)), ..Default::default() }))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let Held { body, etag, modified, hold } = self.find(&req.input.bucket, &req.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(body.len() as i64),
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(modified.into()),
            object_lock_mode: hold.mode,
            object_lock_retain_until_date: hold.until,
            ..Default::default()
        }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let Held { body, etag, modified, .. } = self.find(&req.input.bucket, &req.input.key)?;
        let (mut part, mut content_range) = (body.clone(), None);
        if let Some(range) = req.input.range {
            let range = range.check(body.len() as u64)?;
            content_range = Some(format!("bytes {}-{}/{}", range.start, range.end - 1, body.len()));
            part = body.slice(range.start as usize..range.end as usize);
        }
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(part.len() as i64),
            content_range,
            body: Some(StreamingBlob::wrap(stream::iter([Ok::<Bytes, io::Error>(part)]))),
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(modified.into()),
            ..Default::default()
        }))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.with(&req.input.bucket, |bucket| bucket.delete(&req.input.key))?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let keys: Vec<String> = req.input.delete.objects.into_iter().map(|object| object.key).collect();
        if keys.len() > PAGE_MAX {
            return Err(s3_error!(MalformedXML));
        }
        self.with(&req.input.bucket, |bucket| keys.iter().for_each(|key| bucket.delete(key)))?;
        let deleted = keys.into_iter().map(|key| DeletedObject { key: Some(key), ..Default::default() }).collect();
        Ok(S3Response::new(DeleteObjectsOutput { deleted: Some(deleted), ..Default::default() }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let max = input.max_keys.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let page = self.with(&input.bucket, |bucket| bucket.list(&prefix, &delimiter, &after, max))?;
        Ok(S3Response::new(listed(input, page)))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        let hold = self.hold(input.object_lock_mode, input.object_lock_retain_until_date)?;
        let id = self.with(&input.bucket, |bucket| bucket.begin(input.key.clone(), hold))?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        let body = read(input.body).await?;
        let put = self.with(&input.bucket, |bucket| bucket.put_part(&input.upload_id, input.part_number, body))?;
        let e_tag = Some(ETag::Strong(put.map_err(refused)?));
        Ok(S3Response::new(UploadPartOutput { e_tag, ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let create = is_create(input.if_none_match.as_ref());
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let name = |part: CompletedPart| Some((part.part_number?, part.e_tag?.into_value()));
        let named: Vec<_> = parts.into_iter().filter_map(name).collect();
        let done = self.with(&input.bucket, |bucket| bucket.complete(&input.upload_id, &named, create))?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(done.map_err(refused)?)),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.with(&req.input.bucket, |bucket| bucket.abort(&req.input.upload_id))?.map_err(refused)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn get_object_lock_configuration(
        &self,
        _: S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        if !self.locks {
            return Err(s3_error!(ObjectLockConfigurationNotFoundError));
        }
        let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
        let object_lock_configuration = Some(ObjectLockConfiguration { object_lock_enabled: enabled, rule: None });
        Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration }))
    }
}

/// All bytes of a request.
async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let read: Result<BytesMut, _> = body.try_collect().await;
    read.map(BytesMut::freeze).map_err(|error| s3_error!(IncompleteBody, "{error}"))
}

fn is_create(condition: Option<&ETagCondition>) -> bool {
    condition.is_some_and(ETagCondition::is_any)
}

fn refused(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::Taken => s3_error!(PreconditionFailed),
        Refusal::NoUpload => s3_error!(NoSuchUpload),
        Refusal::BadPart => s3_error!(InvalidPart),
    }
}

fn listed(input: ListObjectsV2Input, page: Page) -> ListObjectsV2Output {
    let object = |(key, held): (String, Held)| Object {
        key: Some(key),
        e_tag: Some(ETag::Strong(held.etag)),
        last_modified: Some(held.modified.into()),
        size: Some(held.body.len() as i64),
        ..Default::default()
    };
    let prefix = |prefix| CommonPrefix { prefix: Some(prefix) };
    ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
        contents: Some(page.objects.into_iter().map(object).collect()),
        common_prefixes: Some(page.prefixes.into_iter().map(prefix).collect()),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next,
        ..Default::default()
    }
}
