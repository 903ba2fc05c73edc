//! The parameters that requests share.

use std::str::FromStr;

use kbackup_core::cluster::memory::{FieldSelector, ListAt, ListRequest, WatchRequest};
use kbackup_core::cluster::{DeleteOptions, Propagation, WriteOptions};
use kbackup_core::model::Revision;
use serde_json::Value;

use super::Call;
use crate::wire::{ApiError, ApiResult, Query, ResourcePath};

/// The longest name of a field manager.
const MANAGER_LEN_MAX: usize = 128;

/// What a list asks for.
///
/// # Errors
/// 400 and 422 for parameters that are wrong or do not go together.
pub(super) fn list_request(path: &ResourcePath, query: &Query) -> ApiResult<ListRequest> {
    let continue_token = query.get("continue").map(str::to_owned);
    let limit = query.parsed::<usize>("limit", "a number")?.filter(|limit| *limit > 0);
    Ok(ListRequest {
        gvr: path.gvr.clone(),
        namespace: path.namespace.clone(),
        labels: selector(query, "labelSelector")?,
        fields: selector::<FieldSelector>(query, "fieldSelector")?,
        at: list_at(query, limit.is_some(), continue_token.is_some())?,
        limit,
        continue_token,
    })
}

/// At which revision to list
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list>).
fn list_at(query: &Query, limited: bool, continued: bool) -> ApiResult<ListAt> {
    let forbidden = |why: &str| Err(ApiError::invalid_option("resourceVersionMatch", why));
    let version = query.parsed::<Revision>("resourceVersion", "a revision")?;
    let newest_or =
        |at: fn(Revision) -> ListAt, version: Revision| if version.0 == 0 { ListAt::Newest } else { at(version) };
    match (query.get("resourceVersionMatch"), version) {
        (Some(_), _) if continued => {
            forbidden("Forbidden: resourceVersionMatch is forbidden when continue is provided")
        }
        (None, Some(version)) if continued && version.0 != 0 => {
            Err(ApiError::bad_request("specifying resource version is not allowed when using continue"))
        }
        (Some(_), None) => forbidden("Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
        (Some("Exact"), Some(Revision(0))) => {
            forbidden("Forbidden: resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
        }
        (Some("Exact"), Some(version)) => Ok(ListAt::Exact(version)),
        (Some("NotOlderThan"), Some(version)) => Ok(newest_or(ListAt::NotOlderThan, version)),
        (Some(_), _) => forbidden("Unsupported value: supported values: \"Exact\", \"NotOlderThan\""),
        (None, None) => Ok(ListAt::Newest),
        // Without a rule, a limit makes it exact: this is how pages were asked for before there were rules.
        (None, Some(version)) if limited => Ok(newest_or(ListAt::Exact, version)),
        (None, Some(version)) => Ok(newest_or(ListAt::NotOlderThan, version)),
    }
}

/// What a watch asks for; `now` is the newest revision.
///
/// # Errors
/// 400 and 422 for parameters that are wrong or do not go together.
pub(super) fn watch_request(path: &ResourcePath, query: &Query, now: Revision) -> ApiResult<WatchRequest> {
    let initial_events = query.get("sendInitialEvents").map(|value| value != "false");
    if initial_events == Some(true) && query.get("resourceVersionMatch") != Some("NotOlderThan") {
        let why = "Forbidden: sendInitialEvents needs resourceVersionMatch \"NotOlderThan\"";
        return Err(ApiError::invalid_option("resourceVersionMatch", why));
    }
    let version = query.parsed::<Revision>("resourceVersion", "a revision")?.filter(|version| version.0 > 0);
    Ok(WatchRequest {
        gvr: path.gvr.clone(),
        namespace: path.namespace.clone(),
        labels: selector(query, "labelSelector")?,
        fields: selector::<FieldSelector>(query, "fieldSelector")?,
        from: match initial_events {
            Some(true) => None,
            Some(false) => Some(version.unwrap_or(now)),
            None => version,
        },
        bookmarks: query.flag("allowWatchBookmarks"),
    })
}

/// How a write is done.
///
/// # Errors
/// 400 and 422 for values that do not exist.
pub(super) fn write_options(call: &Call) -> ApiResult<WriteOptions> {
    if let Some(other) =
        call.query.get("fieldValidation").filter(|value| !matches!(*value, "Ignore" | "Warn" | "Strict"))
    {
        let why = format!("Unsupported value: {other:?}: supported values: \"Ignore\", \"Strict\", \"Warn\"");
        return Err(ApiError::invalid_option("fieldValidation", &why));
    }
    let manager = call.query.get("fieldManager");
    if manager.is_some_and(|manager| manager.len() > MANAGER_LEN_MAX) {
        return Err(ApiError::invalid_option("fieldManager", "Too long: may not be more than 128 bytes"));
    }
    let dry_run = dry_run(call.query.all("dryRun").filter(|value| !value.is_empty()))?;
    Ok(WriteOptions { dry_run, field_manager: manager.or(call.client_name()).map(str::to_owned) })
}

/// How something is deleted, and which revision it must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Deletion {
    pub(super) options: DeleteOptions,
    pub(super) revision: Option<String>,
}

/// The options of a deletion: in the body, or, where there is none, in the query.
///
/// # Errors
/// 400 for a body that is none, 422 for values that do not exist.
pub(super) fn deletion(call: &Call) -> ApiResult<Deletion> {
    let body = if call.body.trim_ascii().is_empty() { Value::Null } else { call.object()? };
    let word = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let listed = body["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let propagation = word("/propagationPolicy").or_else(|| call.query.get("propagationPolicy").map(str::to_owned));
    Ok(Deletion {
        options: DeleteOptions {
            uid: word("/preconditions/uid"),
            propagation: propagation.as_deref().map(propagation_policy).transpose()?,
            dry_run: dry_run(listed.chain(call.query.all("dryRun").filter(|value| !value.is_empty())))?,
        },
        revision: word("/preconditions/resourceVersion"),
    })
}

fn propagation_policy(word: &str) -> ApiResult<Propagation> {
    Ok(match word {
        "Orphan" => Propagation::Orphan,
        "Background" => Propagation::Background,
        "Foreground" => Propagation::Foreground,
        _ => {
            let why = "Unsupported value: supported values: \"Foreground\", \"Background\", \"Orphan\"";
            return Err(ApiError::invalid_option("propagationPolicy", why));
        }
    })
}

fn dry_run<'a>(mut values: impl Iterator<Item = &'a str>) -> ApiResult<bool> {
    values.try_fold(false, |_, value| match value {
        "All" => Ok(true),
        _ => Err(ApiError::invalid_option("dryRun", "Unsupported value: supported values: \"All\"")),
    })
}

fn selector<T: FromStr + Default>(query: &Query, key: &str) -> ApiResult<T>
where
    T::Err: std::fmt::Display,
{
    let parse = |text: &str| text.parse().map_err(|error: T::Err| ApiError::bad_request(error.to_string()));
    query.get(key).map(parse).transpose().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> ResourcePath {
        let gvr = "v1/pods".parse().expect("a type");
        ResourcePath { gvr, namespace: None, name: None, subresource: None }
    }

    #[test]
    fn revisions_of_lists() {
        let exact = |version| Ok(ListAt::Exact(Revision(version)));
        let not_older = |version| Ok(ListAt::NotOlderThan(Revision(version)));
        for (query, expect) in [
            ("", Ok(ListAt::Newest)),
            ("resourceVersion=0", Ok(ListAt::Newest)),
            ("resourceVersion=7", not_older(7)),
            ("resourceVersion=7&limit=5", exact(7)),
            ("resourceVersion=7&resourceVersionMatch=Exact", exact(7)),
            ("resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=5", not_older(7)),
            ("resourceVersion=0&resourceVersionMatch=NotOlderThan", Ok(ListAt::Newest)),
            ("resourceVersionMatch=Exact", Err(422)),
            ("resourceVersion=0&resourceVersionMatch=Exact", Err(422)),
            ("resourceVersion=7&resourceVersionMatch=Near", Err(422)),
            ("resourceVersion=7&resourceVersionMatch=Exact&continue=x", Err(422)),
            ("resourceVersion=7&continue=x", Err(400)),
            ("resourceVersion=x", Err(400)),
            ("labelSelector=a%20b", Err(400)),
        ] {
            let found =
                list_request(&path(), &Query::parse(query)).map(|request| request.at).map_err(|error| error.code());
            assert_eq!(found, expect, "{query}");
        }
    }

    #[test]
    fn beginnings_of_watches() {
        for (query, expect) in [
            ("", Ok(None)),
            ("resourceVersion=0", Ok(None)),
            ("resourceVersion=7", Ok(Some(Revision(7)))),
            ("sendInitialEvents=false", Ok(Some(Revision(9)))),
            ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=7", Ok(None)),
            ("sendInitialEvents=true", Err(422)),
        ] {
            let request = watch_request(&path(), &Query::parse(query), Revision(9));
            assert_eq!(request.map(|request| request.from).map_err(|error| error.code()), expect, "{query}");
        }
    }
}
