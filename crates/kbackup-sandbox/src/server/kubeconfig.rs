//! The file by which a client finds the server
//! (<https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of cluster, user and context in the file.
const NAME: &str = "kbackup-sandbox";

/// A kubeconfig with one context. `authority` is PEM; without it, and without a token, the server speaks plain HTTP.
pub(super) fn kubeconfig(url: &str, authority: Option<&str>, token: Option<&str>) -> String {
    let authority = authority.map(|pem| format!("\n    certificate-authority-data: {}", STANDARD.encode(pem)));
    let user = token.map_or_else(|| " {}".to_owned(), |token| format!("\n    token: {token}"));
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {NAME}
  cluster:
    server: {url}{}
users:
- name: {NAME}
  user:{user}
contexts:
- name: {NAME}
  context:
    cluster: {NAME}
    user: {NAME}
current-context: {NAME}
",
        authority.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_yaml_with_what_was_given() {
        let text = kubeconfig("https://127.0.0.1:6443", Some("PEM"), Some("secret"));
        let config = crate::manifest::parse_yaml(&text).expect("YAML");
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
        assert_eq!(config["users"][0]["user"]["token"], "secret");
        assert_eq!(config["contexts"][0]["name"], config["current-context"]);

        let plain = crate::manifest::parse_yaml(&kubeconfig("http://127.0.0.1:80", None, None)).expect("YAML");
        assert_eq!(plain["users"][0]["user"], serde_json::json!({}));
        assert_eq!(plain["clusters"][0]["cluster"]["server"], "http://127.0.0.1:80");
    }
}
