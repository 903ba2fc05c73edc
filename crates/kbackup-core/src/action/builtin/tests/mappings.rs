//! Images and storage classes that have another name in the target.

use serde_json::json;

use super::*;

fn pod(images: [&str; 2]) -> Value {
    json!({"initContainers": [{"name": "i", "image": images[0]}], "containers": [{"name": "c", "image": images[1]}]})
}

#[test]
fn images_are_found_where_they_are_now() {
    let mut spec = spec();
    for (from, to) in [("old.example", "new.example"), ("old.example/shop", "shop.example"), ("latest", "v1")] {
        spec.image_mapping.insert(from.to_owned(), to.to_owned());
    }
    let before = pod(["old.example/tools:1", "old.example/shop/web:2"]);
    let after = pod(["new.example/tools:1", "shop.example/web:2"]);
    let template = |pod: &Value| json!({"template": {"spec": pod}});
    for (ty, wrap) in [
        ("v1/pods", (|pod: &Value| pod.clone()) as fn(&Value) -> Value),
        ("apps/v1/deployments", template),
        ("apps/v1/statefulsets", template),
        ("apps/v1/daemonsets", template),
        ("apps/v1/replicasets", template),
        ("v1/replicationcontrollers", template),
        ("batch/v1/jobs", template),
        ("batch/v1/cronjobs", |pod| json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}})),
    ] {
        check(ty, &spec, &in_shop("web", "spec", wrap(&before)), &in_shop("web", "spec", wrap(&after)));
    }
    let other = in_shop("web", "spec", pod(["docker.io/old", "web"]));
    check("v1/pods", &spec, &other, &other);
    let widget = in_shop("w", "spec", template(&before));
    check("example.com/v1/widgets", &spec, &widget, &widget);
}

#[test]
fn storage_classes_are_renamed_wherever_they_are_named() {
    let mut spec = spec();
    spec.storage_class_mapping.insert("gp2".to_owned(), "premium".to_owned());
    let claim = |class: &str| {
        let annotations = json!({"volume.beta.kubernetes.io/storage-class": class, "a": "gp2"});
        json!({"metadata": {"name": "data", "annotations": annotations}, "spec": {"storageClassName": class}})
    };
    for ty in ["v1/persistentvolumes", "v1/persistentvolumeclaims"] {
        check(ty, &spec, &claim("gp2"), &claim("premium"));
        check(ty, &spec, &claim("gp3"), &claim("gp3"));
    }
    let set = |class: &str| in_shop("db", "spec", json!({"volumeClaimTemplates": [claim(class), {"spec": {}}]}));
    check("apps/v1/statefulsets", &spec, &set("gp2"), &set("premium"));
}

#[test]
fn the_classes_of_volumes_are_told_from_those_that_make_volumes() {
    let old = json!({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}, "spec": {"storageClassName": "new"}});
    let bound = json!({"spec": {"storageClassName": "gp2", "volumeName": "pv-1"}});
    let template = json!({"spec": {"storageClassName": "gp2"}});
    let set =
        json!({"spec": {"volumeClaimTemplates": [template, {"spec": {}}, {"spec": {"storageClassName": "gp3"}}]}});
    for (ty, object, expect) in [
        ("v1/persistentvolumeclaims", &template, vec![("gp2", true)]),
        ("v1/persistentvolumeclaims", &bound, vec![("gp2", false)]),
        ("v1/persistentvolumeclaims", &old, vec![("old", true)]),
        ("v1/persistentvolumeclaims", &json!({"spec": {"storageClassName": ""}}), vec![]),
        ("v1/persistentvolumeclaims", &json!({"spec": {}}), vec![]),
        ("v1/persistentvolumes", &template, vec![("gp2", false)]),
        ("apps/v1/statefulsets", &set, vec![("gp2", true), ("gp3", true)]),
        ("v1/configmaps", &template, vec![]),
    ] {
        let found = crate::action::named_classes(&ty.parse().expect("a type"), object);
        let found: Vec<_> = found.iter().map(|class| (class.name.as_str(), class.provisions)).collect();
        assert_eq!(found, expect, "{ty} {object}");
    }
}
