//! From a request to what answers it.

use http::{Method, Response, StatusCode};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::cluster::Part;
use serde_json::{Value, json};

use super::{Call, collection, delete, exec, object, review, scale, watch};
use crate::discovery::{self, Group, groups, openapi_v2};
use crate::wire::{self, ApiError, ApiResult, Body, ResourcePath, Route};

/// Answers a request.
///
/// # Errors
/// What the server answers instead.
pub(crate) fn answer(cluster: &MemoryCluster, call: Call) -> ApiResult<Response<Body>> {
    match call.route.clone() {
        Route::Resource(path) => {
            resource(cluster, call, &path).map_err(|error| error.about(&path.gvr, path.name.as_deref()))
        }
        _ if call.method != Method::GET && call.method != Method::HEAD => Err(ApiError::method_not_allowed()),
        Route::Version => Ok(wire::json(StatusCode::OK, &version(cluster.version()))),
        Route::Health => Ok(wire::text("ok")),
        Route::OpenApiV2 if call.accept.names(openapi_v2::ASKED) => {
            Ok(wire::bytes_of_type(openapi_v2::ANSWERED, openapi_v2::PROTOBUF))
        }
        Route::OpenApiV2 => Ok(wire::json(StatusCode::OK, &openapi_v2::json())),
        Route::Unknown => Err(ApiError::no_such_path()),
        route => describe(cluster, &call, &route),
    }
}

fn resource(cluster: &MemoryCluster, call: Call, path: &ResourcePath) -> ApiResult<Response<Body>> {
    let at = path.object();
    let part = if path.subresource.is_some() { Part::Status } else { Part::Main };
    match (path.subresource.as_deref(), at, call.method.as_str()) {
        (None, None, "GET") if call.query.flag("watch") => watch::watch(cluster, &call, path),
        (None, None, "GET") => collection::list(cluster, &call, path),
        (None, None, "POST") if review::is_review(&path.gvr) => review::answer(&call, &path.gvr),
        (None, None, "POST") => object::create(cluster, &call, path),
        (None, None, "DELETE") => delete::collection(cluster, &call, path),
        (None | Some("status"), Some(at), "GET") => object::get(cluster, &call, &at),
        (None | Some("status"), Some(at), "PUT") => object::replace(cluster, &call, &at, part),
        (None | Some("status"), Some(at), "PATCH") => object::patch(cluster, &call, &at, part),
        (None, Some(at), "DELETE") => delete::one(cluster, &call, &at),
        (Some("exec"), Some(at), "GET" | "POST") if at.gvr.group_resource() == "pods" => exec::exec(cluster, call, at),
        (Some("scale"), Some(at), method) if discovery::has_scale(&at.gvr.group_resource()) => match method {
            "GET" => scale::get(cluster, &at),
            "PUT" | "PATCH" => scale::set(cluster, &call, &at),
            _ => Err(ApiError::method_not_allowed()),
        },
        (None | Some("status"), ..) => Err(ApiError::method_not_allowed()),
        (Some(_), ..) => Err(ApiError::no_such_path()),
    }
}

/// Discovery, aggregated where the client wants it so, and OpenAPI.
fn describe(cluster: &MemoryCluster, call: &Call, route: &Route) -> ApiResult<Response<Body>> {
    let groups = groups(&cluster.discovery());
    let core = groups.iter().filter(|group| group.name.is_empty());
    let named = groups.iter().filter(|group| !group.name.is_empty());
    let aggregated = call.accept.aggregated_discovery();
    let document = match route {
        Route::CoreVersions if aggregated => return Ok(aggregated_answer(core)),
        Route::Groups if aggregated => return Ok(aggregated_answer(named)),
        Route::CoreVersions => discovery::api_versions(groups.iter().find(|group| group.name.is_empty())),
        Route::Groups => discovery::api_group_list(named),
        Route::Group(name) => discovery::api_group(group(&groups, name)?),
        Route::OpenApiIndex => discovery::index(&groups),
        Route::GroupVersion(name, version) => of_version(&groups, name, version, discovery::api_resource_list)?,
        Route::OpenApi(name, version) => of_version(&groups, name, version, discovery::document)?,
        _ => return Err(ApiError::no_such_path()),
    };
    Ok(wire::json(StatusCode::OK, &document))
}

fn aggregated_answer<'a>(groups: impl Iterator<Item = &'a Group>) -> Response<Body> {
    wire::json_of_type(discovery::AGGREGATED, &discovery::aggregated(groups))
}

fn group<'a>(groups: &'a [Group], name: &str) -> ApiResult<&'a Group> {
    groups.iter().find(|group| group.name == name).ok_or_else(ApiError::no_such_path)
}

fn of_version(
    groups: &[Group],
    group_name: &str,
    version: &str,
    document: impl Fn(&Group, &discovery::Version) -> Value,
) -> ApiResult<Value> {
    let group = group(groups, group_name)?;
    let version = group.version(version).ok_or_else(ApiError::no_such_path)?;
    if version.broken { Err(ApiError::unavailable()) } else { Ok(document(group, version)) }
}

/// The document of `/version` for a version such as `v1.37.2`.
fn version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    json!({
        "major": numbers.next().unwrap_or_default(),
        "minor": numbers.next().unwrap_or_default(),
        "gitVersion": version,
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none", "compiler": "rustc", "platform": "memory",
    })
}
