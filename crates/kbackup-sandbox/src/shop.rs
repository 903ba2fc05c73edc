//! A small shop: the application that the demo, the examples and many tests back up.
//!
//! It has some forty objects of some thirty kinds: workloads, a volume with its claim and class, services of every type,
//! configuration, identities, policies, and a custom type with a few objects of it.

use crate::manifest::{Manifest, ManifestError, read_text};

/// The namespace of the shop.
pub const NAMESPACE: &str = "shop";

const FILES: [(&str, &str); 8] = [
    ("shop/namespace.yaml", include_str!("shop/namespace.yaml")),
    ("shop/coupon-type.yaml", include_str!("shop/coupon-type.yaml")),
    ("shop/storage.yaml", include_str!("shop/storage.yaml")),
    ("shop/identities.yaml", include_str!("shop/identities.yaml")),
    ("shop/config.yaml", include_str!("shop/config.yaml")),
    ("shop/workloads.yaml", include_str!("shop/workloads.yaml")),
    ("shop/network.yaml", include_str!("shop/network.yaml")),
    ("shop/coupons.yaml", include_str!("shop/coupons.yaml")),
];

/// The objects of the shop.
///
/// # Errors
/// None but for a fault in the files themselves, which a test rules out.
pub fn manifests() -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for (name, text) in FILES {
        manifests.extend(read_text(name, text)?);
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_all_there() {
        let manifests = manifests().expect("the files are YAML");
        let names: BTreeSet<_> = manifests.iter().map(|manifest| manifest.object.to_string()).collect();
        assert_eq!(names.len(), manifests.len(), "an object is there twice");
        assert!((40..=50).contains(&manifests.len()), "{}", manifests.len());
        let kinds: BTreeSet<_> = manifests.iter().map(|manifest| manifest.object.meta().kind.clone()).collect();
        for kind in ["Deployment", "StatefulSet", "PersistentVolume", "Ingress", "CustomResourceDefinition", "Coupon"] {
            assert!(kinds.contains(kind), "{kind} is missing of {kinds:?}");
        }
    }

    #[tokio::test]
    async fn a_cluster_takes_it() {
        let sandbox = crate::Sandbox::default();
        let loaded = crate::manifest::load(sandbox.cluster(), manifests().expect("manifests"), "test").await;
        assert_eq!(loaded.expect("it loads").created, manifests().expect("manifests").len());
        let again = crate::manifest::load(sandbox.cluster(), manifests().expect("manifests"), "test").await;
        assert_eq!(again.expect("it loads again").created, 0);
    }
}
