//! Lists, page by page as the cloud gives them.

use std::borrow::Cow;
use std::sync::Arc;

use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use kbackup_core::store::{Children, Key, Prefix, StoreErrorKind, StoreResult, Stored};
use object_store::ObjectMeta;
use object_store::list::{PaginatedListOptions, PaginatedListResult};
use object_store::path::Path;

use super::bridge::{Parts, stored};

/// Where a list goes on.
enum Next {
    First,
    Token(String),
    End,
}

/// Every object below `prefix`. One page is in memory at a time.
pub(super) fn walk<'a>(parts: &'a Arc<Parts>, prefix: &Prefix) -> BoxStream<'a, StoreResult<Stored>> {
    let prefix = prefix.clone();
    stream::try_unfold(Next::First, move |next| {
        let prefix = prefix.clone();
        async move {
            let Some((page, next)) = page(parts, &prefix, next, false).await? else { return Ok(None) };
            Ok(Some((stream::iter(objects(parts, &prefix, &page).into_iter().map(Ok)), next)))
        }
    })
    .try_flatten()
    .boxed()
}

/// What stands directly below `prefix`.
pub(super) async fn children(parts: &Parts, prefix: &Prefix) -> StoreResult<Children> {
    let mut children = Children::default();
    let mut next = Next::First;
    while let Some((page, then)) = page(parts, prefix, next, true).await? {
        children.objects.extend(objects(parts, prefix, &page));
        children.prefixes.extend(page.result.common_prefixes.iter().filter_map(|path| inner_prefix(parts, path)));
        next = then;
    }
    children.objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    children.prefixes.sort_unstable();
    children.prefixes.dedup();
    Ok(children)
}

async fn page(
    parts: &Parts,
    prefix: &Prefix,
    next: Next,
    one_level: bool,
) -> StoreResult<Option<(PaginatedListResult, Next)>> {
    let page_token = match next {
        Next::First => None,
        Next::Token(token) => Some(token),
        Next::End => return Ok(None),
    };
    let options = PaginatedListOptions {
        delimiter: one_level.then_some(Cow::Borrowed("/")),
        page_token,
        ..PaginatedListOptions::default()
    };
    let attempt = parts.attempt("list", "");
    let whole = match parts.prefix.child(prefix.as_str()) {
        _ if prefix.is_empty() => parts.prefix.clone(),
        whole => whole.map_err(|error| attempt.error(StoreErrorKind::Invalid, &error))?,
    };
    // With the slash at its end: a prefix is of whole segments here, and of characters in a cloud.
    let beginning = if whole.is_empty() { None } else { Some(format!("{whole}/")) };
    let listed = parts.backend().await?.main.list_paginated(beginning.as_deref(), options).await;
    let page = listed.map_err(|error| attempt.failed(&error))?;
    let next = page.page_token.clone().map_or(Next::End, Next::Token);
    Ok(Some((page, next)))
}

/// The objects of a page. What has a name that is no key, or is the mark of a folder, is not ours.
fn objects(parts: &Parts, prefix: &Prefix, page: &PaginatedListResult) -> Vec<Stored> {
    let key = |path: &Path| path.as_ref().parse::<Key>().ok()?.relative_to(&parts.prefix);
    let of_object = |meta: &ObjectMeta| Some(stored(key(&meta.location)?, meta));
    page.result.objects.iter().filter_map(of_object).filter(|stored| prefix.contains(&stored.key)).collect()
}

fn inner_prefix(parts: &Parts, path: &Path) -> Option<Prefix> {
    path.as_ref().parse::<Prefix>().ok()?.relative_to(&parts.prefix)
}
