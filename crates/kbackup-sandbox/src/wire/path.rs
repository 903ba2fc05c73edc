//! The paths of the Kubernetes API (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>).

use std::borrow::Cow;

use kbackup_core::model::{Gvr, ObjectRef};
use percent_encoding::percent_decode_str;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/version`
    Version,
    /// `/healthz`, `/readyz`, `/livez` and what is below them.
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/VERSION` or `/apis/GROUP/VERSION`
    GroupVersion(String, String),
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiIndex,
    /// `/openapi/v3/api/VERSION` or `/openapi/v3/apis/GROUP/VERSION`
    OpenApi(String, String),
    /// A collection, an object or a subresource.
    Resource(ResourcePath),
    /// Nothing that this server has.
    Unknown,
}

/// A collection, an object or a subresource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) gvr: Gvr,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Route {
    /// The route of a request's path, percent-encoding included.
    pub(crate) fn parse(path: &str) -> Self {
        let Some(parts) = decode(path) else { return Self::Unknown };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => Self::Version,
            ["healthz" | "readyz" | "livez", ..] => Self::Health,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["openapi", "v2"] => Self::OpenApiV2,
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", "api", version] => Self::OpenApi(String::new(), (*version).to_owned()),
            ["openapi", "v3", "apis", group, version] => Self::OpenApi((*group).to_owned(), (*version).to_owned()),
            ["api", version] => Self::GroupVersion(String::new(), (*version).to_owned()),
            ["apis", group, version] => Self::GroupVersion((*group).to_owned(), (*version).to_owned()),
            ["api", version, rest @ ..] => resource("", version, rest),
            ["apis", group, version, rest @ ..] => resource(group, version, rest),
            _ => Self::Unknown,
        }
    }
}

impl ResourcePath {
    /// The object that the path names; `None` for a collection.
    pub(crate) fn object(&self) -> Option<ObjectRef> {
        let name = self.name.clone()?;
        Some(ObjectRef { gvr: self.gvr.clone(), namespace: self.namespace.clone(), name })
    }
}

/// The parts of a path, without empty ones at its ends; `None` where one is empty or not UTF-8.
fn decode(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let part = |part: &str| percent_decode_str(part).decode_utf8().ok().map(Cow::into_owned);
    path.split('/').map(part).map(|part| part.filter(|part| !part.is_empty())).collect()
}

/// What comes after the version. `namespaces/NAME/…` is ambiguous: the namespace itself, its subresources `status` and
/// `finalize`, or what is in it.
fn resource(group: &str, version: &str, rest: &[&str]) -> Route {
    let (namespace, rest) = match rest {
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        _ => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (plural, None, None),
        [plural, name] => (plural, Some(*name), None),
        [plural, name, subresource] => (plural, Some(*name), Some(*subresource)),
        _ => return Route::Unknown,
    };
    Route::Resource(ResourcePath {
        gvr: Gvr::new(group, version, plural),
        namespace,
        name: name.map(str::to_owned),
        subresource: subresource.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, gvr: &str, namespace: Option<&str>, name: Option<&str>, subresource: Option<&str>) {
        let expect = ResourcePath {
            gvr: gvr.parse().expect("a type"),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            subresource: subresource.map(str::to_owned),
        };
        assert_eq!(Route::parse(path), Route::Resource(expect), "{path}");
    }

    #[test]
    fn resources() {
        check("/api/v1/pods", "v1/pods", None, None, None);
        check("/api/v1/namespaces", "v1/namespaces", None, None, None);
        check("/api/v1/namespaces/shop", "v1/namespaces", None, Some("shop"), None);
        check("/api/v1/namespaces/shop/status", "v1/namespaces", None, Some("shop"), Some("status"));
        check("/api/v1/namespaces/shop/pods", "v1/pods", Some("shop"), None, None);
        check("/api/v1/namespaces/shop/pods/web-1/exec", "v1/pods", Some("shop"), Some("web-1"), Some("exec"));
        check("/apis/apps/v1/namespaces/shop/deployments/web", "apps/v1/deployments", Some("shop"), Some("web"), None);
        check("/apis/a.io/v1/things/x%3Ay", "a.io/v1/things", None, Some("x:y"), None);
        check("/api/v1/nodes/n1/status", "v1/nodes", None, Some("n1"), Some("status"));
    }

    #[test]
    fn everything_else() {
        let pair = |group: &str, version: &str| (group.to_owned(), version.to_owned());
        let (core, apps) = (pair("", "v1"), pair("apps", "v1"));
        for (path, expect) in [
            ("/version", Route::Version),
            ("/readyz/ping", Route::Health),
            ("/api", Route::CoreVersions),
            ("/api/", Route::CoreVersions),
            ("/apis", Route::Groups),
            ("/apis/apps", Route::Group("apps".to_owned())),
            ("/api/v1", Route::GroupVersion(core.0.clone(), core.1.clone())),
            ("/apis/apps/v1", Route::GroupVersion(apps.0.clone(), apps.1.clone())),
            ("/openapi/v3", Route::OpenApiIndex),
            ("/openapi/v3/api/v1", Route::OpenApi(core.0, core.1)),
            ("/openapi/v3/apis/apps/v1", Route::OpenApi(apps.0, apps.1)),
            ("/openapi/v2", Route::OpenApiV2),
            ("/", Route::Unknown),
            ("/api/v1//pods", Route::Unknown),
            ("/api/v1/pods/a/b/c", Route::Unknown),
            ("/api/v1/pods/%ff", Route::Unknown),
        ] {
            assert_eq!(Route::parse(path), expect, "{path}");
        }
    }
}
