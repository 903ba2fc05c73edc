//! ServiceAccounts: without the token Secrets that a controller made.

use serde_json::{Value, json};

use super::is;
use crate::action::json::{retain, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct ServiceAccount;

impl RestoreTransform for ServiceAccount {
    fn name(&self) -> &'static str {
        "serviceaccount"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "serviceaccounts", "")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let account = text(object, "/metadata/name").unwrap_or_default().to_owned();
        retain(object, "", "secrets", |secret| {
            !secret["name"].as_str().is_some_and(|name| is_generated_token(name, &account))
        });
        Ok(Decision::Keep)
    }

    /// The account `default` is there as soon as its namespace is. Without what the backup's one names, Pods of the restore
    /// could not pull their images.
    fn complete(&self, live: &Value, wanted: &Value) -> Option<Value> {
        let mut completed = live.clone();
        for list in ["secrets", "imagePullSecrets"] {
            add_missing(&mut completed, list, wanted);
        }
        for map in ["labels", "annotations"] {
            for (key, value) in wanted["metadata"][map].as_object().into_iter().flatten() {
                if live["metadata"][map].get(key).is_none() {
                    completed["metadata"][map][key] = value.clone();
                }
            }
        }
        (completed != *live).then_some(completed)
    }
}

/// Adds the entries of a list that are missing, by their names.
fn add_missing(account: &mut Value, list: &str, wanted: &Value) {
    for entry in wanted[list].as_array().into_iter().flatten() {
        match account[list].as_array_mut() {
            None => account[list] = json!([entry]),
            Some(entries) if entries.iter().all(|other| other["name"] != entry["name"]) => entries.push(entry.clone()),
            Some(_) => {}
        }
    }
}

/// Whether a Secret of this name is the token that clusters before 1.24 made for the account: `<account>-token-` and five
/// characters of Kubernetes' alphabet for generated names. The alphabet tells `robot-token-7fk2x` from `robot-token-build`,
/// which somebody named.
pub(super) fn is_generated_token(secret: &str, account: &str) -> bool {
    let suffix = secret.strip_prefix(account).and_then(|rest| rest.strip_prefix("-token-"));
    suffix.is_some_and(|suffix| suffix.len() == 5 && suffix.chars().all(|c| GENERATED.contains(c)))
}

/// The alphabet of `k8s.io/apimachinery/pkg/util/rand`: no vowels and no characters that look like one.
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";
