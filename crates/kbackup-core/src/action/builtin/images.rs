//! Whatever runs containers: their images are where the target finds them.

use serde_json::Value;

use super::is;
use crate::action::json::elements_mut;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;
use crate::spec::RestoreSpec;

#[derive(Debug)]
pub(super) struct Images;

impl RestoreTransform for Images {
    fn name(&self) -> &'static str {
        "images"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        pod_spec(ty).is_some()
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let Some(pod) = pod_spec(&context.source.gvr).filter(|_| !context.spec.image_mapping.is_empty()) else {
            return Ok(Decision::Keep);
        };
        for containers in ["containers", "initContainers"] {
            for container in elements_mut(object, &format!("{pod}/{containers}")) {
                if let Some(image) = container["image"].as_str().and_then(|image| mapped(image, context.spec)) {
                    container["image"] = image.into();
                }
            }
        }
        Ok(Decision::Keep)
    }
}

/// Where the specification of the Pods is in an object of this type.
fn pod_spec(ty: &Gvr) -> Option<&'static str> {
    if is(ty, "pods", "") {
        return Some("/spec");
    }
    if is(ty, "cronjobs", "batch") {
        return Some("/spec/jobTemplate/spec/template/spec");
    }
    let in_apps = ["deployments", "statefulsets", "daemonsets", "replicasets"].iter().any(|name| is(ty, name, "apps"));
    let with_template = in_apps || is(ty, "replicationcontrollers", "") || is(ty, "jobs", "batch");
    with_template.then_some("/spec/template/spec")
}

/// The image after the mapping: of the texts that are in it, the longest counts.
fn mapped(image: &str, spec: &RestoreSpec) -> Option<String> {
    let fitting = spec.image_mapping.iter().filter(|(from, _)| image.contains(from.as_str()));
    fitting.max_by_key(|(from, _)| from.len()).map(|(from, to)| image.replace(from.as_str(), to))
}
