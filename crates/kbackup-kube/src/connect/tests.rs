use std::fs;

use super::*;

const TWO: &str = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "shop",
  "clusters": [{"name": "c", "cluster": {"server": "http://user:pass@127.0.0.1:1/base/"}}],
  "users": [{"name": "u", "user": {"token": "s3cr3t"}}],
  "contexts": [{"name": "shop", "context": {"cluster": "c", "user": "u"}},
               {"name": "lost", "context": {"cluster": "gone", "user": "u"}}]}"#;

/// What connecting with a kubeconfig of this text says.
async fn said(text: &str, context: Option<&str>) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config");
    fs::write(&path, text).expect("written");
    let context = context.map(str::to_owned);
    let options = ConnectOptions { kubeconfig: Some(path), context, ..ConnectOptions::default() };
    let error = KubeCluster::connect(&options).await.expect_err("there is no such cluster");
    assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
    error.to_string().replace(dir.path().to_str().expect("text"), "DIR")
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let check = async |text: &str, context: Option<&str>, expect: &str| assert_eq!(said(text, context).await, expect);
    check(TWO, Some("shpo"), r#"the kubeconfig DIR/config has no context "shpo": did you mean "shop"?"#).await;
    check(TWO, Some("nowhere"), r#"the kubeconfig DIR/config has no context "nowhere"; it has shop, lost"#).await;
    check(TWO, Some("lost"), r#"the kubeconfig DIR/config cannot be used: it has no cluster "gone""#).await;
    let no_current = TWO.replace("\"current-context\": \"shop\",", "");
    check(&no_current, None, "the kubeconfig DIR/config sets no current context; it has shop, lost").await;
    check("{}", None, "the kubeconfig DIR/config sets no current context; it has none").await;
    let refused = "http://127.0.0.1:1/base cannot be reached: Connection refused (os error 111)";
    check(TWO, None, refused).await;
}

#[tokio::test]
async fn what_cannot_be_parsed_is_not_quoted() {
    let said = said("users:\n- name: u\n  user: {token: s3cr3t, ]", None).await;
    assert!(said.starts_with("the kubeconfig DIR/config cannot be used: it is not the YAML of a kubeconfig"), "{said}");
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let options = ConnectOptions { kubeconfig: Some("/nowhere/config".into()), ..ConnectOptions::default() };
    let error = KubeCluster::connect(&options).await.expect_err("there is no such file");
    let expect =
        "the kubeconfig /nowhere/config cannot be used: /nowhere/config: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_list_of_kubeconfigs_is_merged() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    fs::write(&one, TWO).expect("written");
    fs::write(&two, r#"{"contexts": [{"name": "third", "context": {"cluster": "c"}}], "current-context": "third"}"#)
        .expect("written");
    let list = std::env::join_paths([&one, &dir.path().join("missing"), &two]).expect("a list");
    let merged = read_all(Path::new(&list)).expect("two of three are there");
    let names: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
    assert_eq!(
        (names.as_slice(), merged.current_context.as_deref()),
        (["shop", "lost", "third"].as_slice(), Some("shop"))
    );
}

#[test]
fn the_servers_name_has_no_credentials() {
    let check = |url: &str, expect: &str| assert_eq!(without_credentials(&url.parse().expect("a url")), expect);
    check("https://api.example.com:6443/", "https://api.example.com:6443");
    check("https://me:pw@host/k8s/clusters/c-1", "https://host/k8s/clusters/c-1");
}
