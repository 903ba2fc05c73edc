//! One bucket: its objects in the order of their keys, and the uploads that go on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use s3s::dto::{ObjectLockMode, Timestamp};

/// How an object is held, as who wrote it has said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hold {
    pub(crate) mode: Option<ObjectLockMode>,
    pub(crate) until: Option<Timestamp>,
}

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    pub(crate) hold: Hold,
}

/// An upload in parts.
#[derive(Debug)]
struct Upload {
    key: String,
    hold: Hold,
    parts: BTreeMap<i32, (String, Bytes)>,
}

/// What one page of a list holds.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<(String, Object)>,
    pub(crate) prefixes: Vec<String>,
    /// The last of the page, where there is more.
    pub(crate) next: Option<String>,
}

/// Why something can't be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The key is taken, and was to be free.
    Taken,
    /// There is no such upload.
    NoUpload,
    /// A part is missing, is another one, or is not in order.
    BadPart,
}

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    written: u64,
}

impl Bucket {
    pub(crate) fn get(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Writes an object, in place of another unless the key is to be free; gives its tag.
    pub(crate) fn put(&mut self, key: String, body: Bytes, hold: Hold, create: bool) -> Result<String, Refusal> {
        if create && self.objects.contains_key(&key) {
            return Err(Refusal::Taken);
        }
        let etag = self.tag();
        let object = Object { body, etag: etag.clone(), modified: SystemTime::now(), hold };
        self.objects.insert(key, object);
        Ok(etag)
    }

    /// Deletes an object; one that is not there is gone too. A bucket with locks would keep its versions: nobody reads them.
    pub(crate) fn delete(&mut self, key: &str) {
        self.objects.remove(key);
    }

    /// Begins an upload and gives its id.
    pub(crate) fn begin(&mut self, key: String, hold: Hold) -> String {
        let id = self.tag();
        self.uploads.insert(id.clone(), Upload { key, hold, parts: BTreeMap::new() });
        id
    }

    pub(crate) fn put_part(&mut self, id: &str, number: i32, body: Bytes) -> Result<String, Refusal> {
        let tag = self.tag();
        let upload = self.uploads.get_mut(id).ok_or(Refusal::NoUpload)?;
        upload.parts.insert(number, (tag.clone(), body));
        Ok(tag)
    }

    /// Makes an object of the parts that are named by number and tag. An upload that is refused goes on.
    pub(crate) fn complete(&mut self, id: &str, named: &[(i32, String)], create: bool) -> Result<String, Refusal> {
        let upload = self.uploads.get(id).ok_or(Refusal::NoUpload)?;
        if named.is_empty() || !named.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Refusal::BadPart);
        }
        let mut body = BytesMut::new();
        for (number, tag) in named {
            let part = upload.parts.get(number).filter(|(is, _)| is == tag);
            body.extend_from_slice(&part.ok_or(Refusal::BadPart)?.1);
        }
        let (key, hold) = (upload.key.clone(), upload.hold.clone());
        let etag = self.put(key, body.freeze(), hold, create)?;
        self.uploads.remove(id);
        Ok(etag)
    }

    pub(crate) fn abort(&mut self, id: &str) -> Result<(), Refusal> {
        self.uploads.remove(id).map(|_| ()).ok_or(Refusal::NoUpload)
    }

    /// At most `max` objects and common prefixes below `prefix`, in the order of bytes, which come after `after`.
    pub(crate) fn list(&self, prefix: &str, delimiter: &str, after: &str, max: usize) -> Page {
        let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        let mut page = Page::default();
        let mut last: Option<String> = None;
        for (key, object) in self.objects.range::<str, _>((from, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(prefix) else { break };
            let end = if delimiter.is_empty() { None } else { rest.find(delimiter) };
            let name = end.map_or(key.as_str(), |end| &key[..prefix.len() + end + delimiter.len()]);
            if end.is_some() && (last.as_deref() == Some(name) || after == name) {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == max {
                page.next = last;
                break;
            }
            match end {
                Some(_) => page.prefixes.push(name.to_owned()),
                None => page.objects.push((key.clone(), object.clone())),
            }
            last = Some(name.to_owned());
        }
        page
    }

    fn tag(&mut self) -> String {
        self.written += 1;
        format!("{:032x}", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Hold = Hold { mode: None, until: None };

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let mut bucket = Bucket::default();
        for key in ["a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "a/d", "b"] {
            bucket.put(key.to_owned(), Bytes::new(), FREE, true).expect("it is free");
        }
        for (delimiter, expect) in
            [("", &["a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "a/d"][..]), ("/", &["a/1", "a/2", "a/b/", "a/c/", "a/d"])]
        {
            for max in 1..8 {
                let (mut found, mut after) = (Vec::new(), String::new());
                loop {
                    let page = bucket.list("a/", delimiter, &after, max);
                    found.extend(page.objects.into_iter().map(|(key, _)| key).chain(page.prefixes));
                    let Some(next) = page.next else { break };
                    after = next;
                }
                found.sort();
                assert_eq!(found, expect, "{delimiter:?} {max} a page");
            }
        }
    }

    #[test]
    fn an_upload_needs_its_parts_and_loses_against_who_came_first() {
        let mut bucket = Bucket::default();
        let id = bucket.begin("a".to_owned(), FREE);
        let one = bucket.put_part(&id, 1, "x".into()).expect("it goes on");
        let two = bucket.put_part(&id, 2, "y".into()).expect("it goes on");
        let parts = [(1, one.clone()), (2, two.clone())];
        for bad in [&[][..], &[(2, two), (1, one.clone())], &[(1, one), (3, "z".to_owned())]] {
            assert_eq!(bucket.complete(&id, bad, true), Err(Refusal::BadPart), "{bad:?}");
        }
        assert!(bucket.get("a").is_none(), "it is not complete");
        bucket.put("a".to_owned(), "first".into(), FREE, true).expect("it is free");
        assert_eq!(bucket.complete(&id, &parts, true), Err(Refusal::Taken));
        bucket.complete(&id, &parts, false).expect("it may overwrite");
        assert_eq!(bucket.get("a").expect("it is there").body, "xy");
        assert_eq!(bucket.abort(&id), Err(Refusal::NoUpload));
    }
}
