//! Where the bytes of a volume are, as a pod or a persistent volume says it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::spec::{CsiCondition, NfsCondition, VolumeType};

/// Sources whose files are not data of the cluster's users, or not the pod's own: they are never copied.
const NEVER_COPIED: [&str; 5] = ["hostPath", "secret", "configMap", "projected", "downwardAPI"];

/// Where the bytes of a volume are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Source {
    /// By which field; `None` where no field that is known says it.
    pub(super) kind: Option<VolumeType>,
    /// The CSI driver and the attributes that it was given.
    pub(super) csi: Option<(String, BTreeMap<String, String>)>,
    /// The NFS server and the path.
    nfs: Option<(String, String)>,
}

impl Source {
    /// Reads it of the fields of a volume.
    pub(super) fn of(fields: &Map<String, Value>) -> Self {
        let said = fields.iter().find_map(|(field, value)| Some((VolumeType::of_field(field)?, value)));
        let Some((kind, value)) = said else { return Self::default() };
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let attributes = || {
            let map = value["volumeAttributes"].as_object().into_iter().flatten();
            map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        let csi = kind.is_said_by("csi").then(|| (text("driver"), attributes()));
        let nfs = kind.is_said_by("nfs").then(|| (text("server"), text("path")));
        Self { kind: Some(kind), csi, nfs }
    }

    /// The type, where its files are never copied.
    pub(super) fn never_copied(&self) -> Option<&str> {
        let kind = self.kind.as_ref()?;
        NEVER_COPIED.iter().any(|ty| kind.is_said_by(ty)).then_some(kind.as_str())
    }

    pub(super) fn is_csi(&self, asked: &CsiCondition) -> bool {
        self.csi.as_ref().is_some_and(|(driver, attributes)| {
            asked.driver.as_ref().is_none_or(|asked| asked == driver)
                && asked.volume_attributes.iter().all(|(key, value)| attributes.get(key) == Some(value))
        })
    }

    pub(super) fn is_nfs(&self, asked: &NfsCondition) -> bool {
        self.nfs.as_ref().is_some_and(|(server, path)| {
            asked.server.as_ref().is_none_or(|asked| asked == server)
                && asked.path.as_ref().is_none_or(|asked| asked == path)
        })
    }
}
