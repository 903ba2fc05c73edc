//! What a backup is measured against: everything listed and thrown away, with nothing in between.

use bytes::Bytes;
use futures::stream::{self, TryStreamExt};
use http::Request;
use http_body_util::BodyExt;
use kbackup_core::cluster::ClusterReader;
use kbackup_core::model::{Gvr, ResourceType, Revision, Verb};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::{Args, Failed};

/// At either end of a page, where the token of the next one is looked for: an API server writes the metadata of a list
/// before its items, and of custom resources after them.
const END_BYTES: usize = 4 << 10;

/// Lists every type at one revision, in pages of `page` objects, `lists` types at a time. Returns the bytes that came.
pub(crate) async fn read_all(args: &Args, page: usize, lists: usize) -> Result<u64, Failed> {
    let cluster = args.connect().await?;
    let discovery = cluster.discover().await?;
    let revision = cluster.revision().await?;
    let client = client(args).await?;
    let types = discovery.preferred().filter(|ty| is_stored(ty));
    let reads: Vec<_> = types.map(|ty| Ok(read_type(client.clone(), ty.gvr.clone(), revision, page))).collect();
    let read: Vec<u64> = stream::iter(reads).try_buffer_unordered(lists).try_collect().await?;
    Ok(read.iter().sum())
}

/// Component statuses are made up for each answer, and have no revision.
pub(crate) fn is_stored(ty: &ResourceType) -> bool {
    ty.can(Verb::List) && ty.gvr.plural != "componentstatuses"
}

pub(crate) async fn client(args: &Args) -> Result<kube::Client, Failed> {
    let config = match &args.kubeconfig {
        Some(path) => {
            kube::Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?
        }
        None => kube::Config::infer().await?,
    };
    Ok(kube::Client::try_from(config)?)
}

async fn read_type(client: kube::Client, gvr: Gvr, revision: Revision, page: usize) -> Result<u64, Failed> {
    let group = if gvr.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", gvr.group) };
    let path = format!("{group}/{}/{}?limit={page}", gvr.version, gvr.plural);
    let mut bytes = 0;
    let mut place = format!("&resourceVersion={revision}&resourceVersionMatch=Exact");
    loop {
        let request = Request::get(format!("{path}{place}")).header("accept", "application/json");
        let (read, token) = read_page(&client, request.body(Body::empty())?).await?;
        bytes += read;
        match token {
            Some(token) => place = format!("&continue={token}"),
            None => return Ok(bytes),
        }
    }
}

/// The length of a page, and the token of the next one.
async fn read_page(client: &kube::Client, request: Request<Body>) -> Result<(u64, Option<String>), Failed> {
    let response = client.send(request).await?;
    if !response.status().is_success() {
        return Err(format!("a list was answered {}", response.status()).into());
    }
    let (mut body, mut bytes, mut head, mut tail) = (response.into_body(), 0, Vec::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let chunk = frame?.into_data().unwrap_or(Bytes::new());
        bytes += chunk.len() as u64;
        let wanted = chunk.len().min(END_BYTES - head.len());
        head.extend_from_slice(&chunk[..wanted]);
        keep_end(&mut tail, &chunk);
    }
    Ok((bytes, token(&head, &tail)))
}

/// The last bytes of what came before and of `chunk`.
fn keep_end(tail: &mut Vec<u8>, chunk: &[u8]) {
    tail.extend_from_slice(&chunk[chunk.len().saturating_sub(END_BYTES)..]);
    tail.drain(..tail.len().saturating_sub(END_BYTES));
}

fn token(head: &[u8], tail: &[u8]) -> Option<String> {
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    let before = head.split("\"items\":").next()?;
    let after = tail.rsplit("],\"kind\":").next().filter(|after| after.len() < tail.len());
    let metadata = after.unwrap_or(before);
    let token = metadata.split("\"continue\":\"").nth(1)?.split('"').next()?;
    Some(token.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_before_the_items_or_after_them() {
        let check = |page: &str, expect: Option<&str>| {
            let mut tail = Vec::new();
            page.as_bytes().chunks(7).for_each(|chunk| keep_end(&mut tail, chunk));
            let head = &page.as_bytes()[..page.len().min(END_BYTES)];
            assert_eq!(token(head, &tail).as_deref(), expect, "{} bytes", page.len());
        };
        let items = format!(r#"[{{"continue":"not this","data":"{}"}}]"#, "x".repeat(3 * END_BYTES));
        check(&format!(r#"{{"metadata":{{"resourceVersion":"7","continue":"abc"}},"items":{items}}}"#), Some("abc"));
        check(&format!(r#"{{"metadata":{{"resourceVersion":"7"}},"items":{items}}}"#), None);
        check(&format!(r#"{{"items":{items},"kind":"CartList","metadata":{{"continue":"abc"}}}}"#), Some("abc"));
        check(r#"{"items":[],"kind":"CartList","metadata":{"continue":""}}"#, None);
    }
}
