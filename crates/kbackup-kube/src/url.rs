//! Where things are: the paths and queries of the Kubernetes API
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>). Pure.

use std::fmt::Write as _;

use kbackup_core::cluster::Part;
use kbackup_core::model::{Gvr, ObjectRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a path segment or a query value as it is: the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a group version: `/api/v1`, `/apis/apps/v1`.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("/api/{}", encode(version))
    } else {
        format!("/apis/{}/{}", encode(group), encode(version))
    }
}

/// The path of all objects of a type, or of those in one namespace.
pub(crate) fn collection(gvr: &Gvr, namespace: Option<&str>) -> String {
    let mut path = group_version(&gvr.group, &gvr.version);
    if let Some(namespace) = namespace {
        // Writing to a String cannot fail.
        let _ = write!(path, "/namespaces/{}", encode(namespace));
    }
    path + "/" + &encode(&gvr.plural)
}

/// The path of one object, or of its status.
pub(crate) fn object(at: &ObjectRef, part: Part) -> String {
    let path = collection(&at.gvr, at.namespace.as_deref()) + "/" + &encode(&at.name);
    match part {
        Part::Main => path,
        Part::Status => path + "/status",
    }
}

/// A path with its query.
#[derive(Debug, Clone)]
pub(crate) struct Uri(String);

impl Uri {
    pub(crate) fn new(path: String) -> Self {
        Self(path)
    }

    /// The same with one more parameter; its value is encoded.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ENCODED));
        self
    }

    /// The same with one more parameter where there is a value for it.
    pub(crate) fn with_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_where_the_api_has_them() {
        let check = |gvr: &str, namespace: Option<&str>, expect: &str| {
            let gvr: Gvr = gvr.parse().expect("a gvr");
            assert_eq!(collection(&gvr, namespace), expect);
        };
        check("v1/nodes", None, "/api/v1/nodes");
        check("v1/pods", Some("shop"), "/api/v1/namespaces/shop/pods");
        check("apps/v1/deployments", None, "/apis/apps/v1/deployments");
        check("shop.example.com/v1/carts", Some("a b"), "/apis/shop.example.com/v1/namespaces/a%20b/carts");
    }

    #[test]
    fn objects_are_encoded_into_one_segment() {
        let check = |at: &ObjectRef, part: Part, expect: &str| assert_eq!(object(at, part), expect);
        let roles = Gvr::new("rbac.authorization.k8s.io", "v1", "clusterroles");
        let role = ObjectRef::cluster(roles.clone(), "system:node");
        check(&role, Part::Main, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode");
        check(
            &ObjectRef::cluster(roles, "../x?y"),
            Part::Main,
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/..%2Fx%3Fy",
        );
        let pod = ObjectRef::namespaced(Gvr::new("", "v1", "pods"), "shop", "web-0");
        check(&pod, Part::Status, "/api/v1/namespaces/shop/pods/web-0/status");
    }

    #[test]
    fn queries_are_encoded() {
        let uri = Uri::new("/api/v1/pods".into())
            .with("limit", "5")
            .with_some("continue", None)
            .with_some("labelSelector", Some("app in (a,b),!c"));
        assert_eq!(uri.into_string(), "/api/v1/pods?limit=5&labelSelector=app%20in%20%28a%2Cb%29%2C%21c");
    }
}
