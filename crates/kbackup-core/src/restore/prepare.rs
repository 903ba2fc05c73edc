//! What the transforms make of an object of the backup. Pure: the plan and the apply that follows it agree.

use std::collections::BTreeSet;

use serde_json::Value;

use super::plan::{Source, Step};
use crate::action::{Decision, TransformContext, Transformed, Transforms, wanted_status};
use crate::issue::{Code, Issue};
use crate::model::{Gvr, Object, ObjectRef};
use crate::spec::RestoreSpec;
use crate::volume::VolumeFates;

/// What becomes of an object.
#[derive(Debug)]
pub(super) enum Prepared {
    /// It is written like this, and gets this status.
    Write(Value, Option<Value>, Vec<Issue>),
    /// It is left out, for this reason.
    Skip(String),
    /// It can't be restored, for this reason.
    Refuse(Code, String),
}

/// What decides how an object is changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) spec: &'a RestoreSpec,
    /// The types whose status is restored.
    pub(super) status: &'a BTreeSet<String>,
    pub(super) volumes: &'a VolumeFates,
}

/// Runs the transforms, and gives the object the version that the target serves.
pub(super) fn prepare(step: &Step, object: &Object, transforms: &Transforms, asked: Asked<'_>) -> Prepared {
    let mut value = object.to_value();
    let Some(source) = &step.source else { return Prepared::Write(value, None, Vec::new()) };
    let status = wanted_status(&value, asked.status.contains(&source.gvr.group_resource())).cloned();
    let object = source.object(object);
    let context = TransformContext::new(asked.spec, &object).volumes(asked.volumes);
    match transforms.apply_in(context, &mut value) {
        Ok(Transformed { decision: Decision::Keep, issues }) => {
            if source.gvr.version != step.object.gvr.version {
                value["apiVersion"] = step.object.gvr.api_version().into();
            }
            Prepared::Write(value, status, issues)
        }
        Ok(Transformed { decision: Decision::Skip(why), .. }) => Prepared::Skip(why.into_owned()),
        Err(error) => Prepared::Refuse(Code::TransformFailed, error.to_string()),
    }
}

impl Source {
    /// The object by its names in the backup.
    fn object(&self, object: &Object) -> ObjectRef {
        self.named(&object.meta().name)
    }

    pub(super) fn named(&self, name: &str) -> ObjectRef {
        ObjectRef { gvr: Gvr::clone(&self.gvr), namespace: self.namespace.clone(), name: name.to_owned() }
    }
}
