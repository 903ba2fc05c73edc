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

/// Where the token of the next page is looked for: an API server writes the metadata of a list first.
const HEAD_BYTES: usize = 4 << 10;

/// Lists every type at one revision, in pages of `page` objects, `lists` types at a time. Returns the bytes that came.
pub(crate) async fn read_all(args: &Args, page: usize, lists: usize) -> Result<u64, Failed> {
    let cluster = args.connect().await?;
    let discovery = cluster.discover().await?;
    let revision = cluster.revision().await?;
    let client = client(args).await?;
    let types = discovery.preferred().filter(|ty| is_stored(ty));
    stream::iter(types.map(|ty| Ok(read_type(&client, &ty.gvr, revision, page))))
        .try_buffer_unordered(lists)
        .try_fold(0, async |sum, bytes| Ok(sum + bytes))
        .await
}

/// Component statuses are made up for each answer, and have no revision.
fn is_stored(ty: &ResourceType) -> bool {
    ty.can(Verb::List) && ty.gvr.plural != "componentstatuses"
}

async fn client(args: &Args) -> Result<kube::Client, Failed> {
    let config = match &args.kubeconfig {
        Some(path) => {
            kube::Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?
        }
        None => kube::Config::infer().await?,
    };
    Ok(kube::Client::try_from(config)?)
}

async fn read_type(client: &kube::Client, gvr: &Gvr, revision: Revision, page: usize) -> Result<u64, Failed> {
    let group = if gvr.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", gvr.group) };
    let path = format!("{group}/{}/{}?limit={page}", gvr.version, gvr.plural);
    let mut bytes = 0;
    let mut place = format!("&resourceVersion={revision}&resourceVersionMatch=Exact");
    loop {
        let request = Request::get(format!("{path}{place}")).header("accept", "application/json");
        let (read, token) = read_page(client, request.body(Body::empty())?).await?;
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
    let (mut body, mut bytes, mut head) = (response.into_body(), 0, Vec::new());
    while let Some(frame) = body.frame().await {
        let chunk = frame?.into_data().unwrap_or(Bytes::new());
        bytes += chunk.len() as u64;
        let wanted = chunk.len().min(HEAD_BYTES - head.len());
        head.extend_from_slice(&chunk[..wanted]);
    }
    Ok((bytes, token(&head)))
}

fn token(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let metadata = head.split("\"items\":").next()?;
    let token = metadata.split("\"continue\":\"").nth(1)?.split('"').next()?;
    Some(token.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_the_head_or_there_is_none() {
        let check = |head: &str, expect: Option<&str>| assert_eq!(token(head.as_bytes()).as_deref(), expect);
        check(r#"{"metadata":{"resourceVersion":"7","continue":"abc"},"items":[{"#, Some("abc"));
        check(r#"{"metadata":{"resourceVersion":"7","continue":""},"items":[]}"#, None);
        check(r#"{"metadata":{"resourceVersion":"7"},"items":[{"continue":"not this"}]}"#, None);
    }
}
