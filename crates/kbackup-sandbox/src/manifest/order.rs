//! In which order manifests are loaded.

use super::Manifest;

/// Manifests in the three steps in which a cluster can take them.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// CustomResourceDefinitions: until they are established, objects of their types are not known.
    pub(super) definitions: Vec<Manifest>,
    /// Namespaces.
    pub(super) namespaces: Vec<Manifest>,
    /// The rest, in the order given.
    pub(super) rest: Vec<Manifest>,
}

/// Sorts manifests into their steps; within one, the order stays.
pub(super) fn steps(manifests: Vec<Manifest>) -> Steps {
    let mut steps = Steps::default();
    for manifest in manifests {
        let meta = manifest.object.meta();
        let step = match (meta.api_version.as_str(), meta.kind.as_str()) {
            (version, "CustomResourceDefinition") if version.starts_with("apiextensions.k8s.io/") => {
                &mut steps.definitions
            }
            ("v1", "Namespace") => &mut steps.namespaces,
            _ => &mut steps.rest,
        };
        step.push(manifest);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::super::read_text;
    use super::*;

    #[test]
    fn definitions_then_namespaces_then_the_rest() {
        let one =
            |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n---\n");
        let text = [
            one("v1", "Secret"),
            one("v1", "Namespace"),
            one("example.com/v1", "Namespace"),
            one("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ];
        let steps = steps(read_text("t", &text.concat()).expect("manifests"));
        let kinds = |manifests: &[Manifest]| -> Vec<String> {
            manifests.iter().map(|manifest| manifest.object.meta().api_version.clone()).collect()
        };
        assert_eq!(kinds(&steps.definitions), ["apiextensions.k8s.io/v1"]);
        assert_eq!(kinds(&steps.namespaces), ["v1"]);
        assert_eq!(kinds(&steps.rest), ["v1", "example.com/v1"]);
    }
}
