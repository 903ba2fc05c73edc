//! ServiceAccounts, Secrets, ConfigMaps and bindings.

use serde_json::json;

use super::*;

#[test]
fn an_account_loses_the_tokens_that_were_made_for_it() {
    let account = |secrets: Value| in_shop("robot", "secrets", secrets);
    let given = json!([{"name": "robot-token-7fk2x"}, {"name": "robot-token-build"}, {"name": "pull"}]);
    check(
        "v1/serviceaccounts",
        &spec(),
        &account(given),
        &account(json!([{"name": "robot-token-build"}, {"name": "pull"}])),
    );
    let bare = json!({"metadata": {"name": "robot", "namespace": "shop"}, "imagePullSecrets": [{"name": "pull"}]});
    let mut with_token = bare.clone();
    with_token["secrets"] = json!([{"name": "robot-token-7fk2x"}]);
    check("v1/serviceaccounts", &spec(), &with_token, &bare);
}

fn token_secret(name: &str, data: &Value, uid: Option<&str>) -> Value {
    let mut secret = json!({
        "metadata": {"name": name, "namespace": "shop", "annotations": {"kubernetes.io/service-account.name": "robot"}},
        "type": "kubernetes.io/service-account-token", "data": data,
    });
    if let Some(uid) = uid {
        secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] = uid.into();
    }
    secret
}

#[test]
fn tokens_of_the_old_cluster_are_not_carried_over() {
    check_skipped(
        "v1/secrets",
        &token_secret("robot-token-7fk2x", &json!({"token": "eA=="}), Some("1")),
        "old cluster",
    );
    let full = json!({"token": "eA==", "ca.crt": "eA==", "namespace": "c2hvcA==", "extra": "eA=="});
    let given = token_secret("robot-forever", &full, Some("1"));
    check("v1/secrets", &spec(), &given, &token_secret("robot-forever", &json!({"extra": "eA=="}), None));
    let opaque = json!({"metadata": {"name": "robot-token-7fk2x", "namespace": "shop"}, "type": "Opaque", "data": {"token": "eA=="}});
    check("v1/secrets", &spec(), &opaque, &opaque);
}

#[test]
fn the_cluster_certificate_is_the_targets_own() {
    check_skipped("v1/configmaps", &in_shop("kube-root-ca.crt", "data", json!({})), "own certificate");
    kept("v1/configmaps", &spec(), &in_shop("ca.crt", "data", json!({})));
}

#[test]
fn bindings_follow_the_mapping() {
    let subjects = |namespace: &str, other: &str| {
        json!([
            {"kind": "ServiceAccount", "name": "robot", "namespace": namespace},
            {"kind": "ServiceAccount", "name": "robot", "namespace": other},
            {"kind": "User", "name": format!("system:serviceaccount:{namespace}:robot")},
            {"kind": "Group", "name": format!("system:serviceaccounts:{namespace}")},
            {"kind": "Group", "name": "system:serviceaccounts"},
            {"kind": "User", "name": "shop"},
        ])
    };
    let binding = |subjects: Value| json!({"metadata": {"name": "b"}, "subjects": subjects});
    for ty in ["rbac.authorization.k8s.io/v1/clusterrolebindings", "rbac.authorization.k8s.io/v1/rolebindings"] {
        check(ty, &copy(), &binding(subjects("shop", "web")), &binding(subjects("copy", "web")));
        let swap = spec().map_namespace("shop", "web").map_namespace("web", "shop");
        check(ty, &swap, &binding(subjects("shop", "web")), &binding(subjects("web", "shop")));
    }
}
