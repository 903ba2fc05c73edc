//! What a user asks for: one source of truth for the SDK, the command line, the `spec` of our custom resources and the
//! manifest of a backup.

mod backup;
mod cron;
mod filters;
mod hooks;
mod mapping;
mod policies;
mod restore;
mod restore_hooks;
mod retention;
mod schedule;
mod selection;
mod ttl;
mod violation;
mod volumes;

pub use backup::{BackupSpec, Consistency, SCHEDULE_LABEL};
pub use cron::{Cron, CronError};
pub use filters::{NamespacedFilter, ResourceFilter};
pub use hooks::{BackupHooks, ExecHook, HookResource, HookTimeout, HookTimeoutError, OnError, ResourceHook};
pub use policies::{ClusterScopedFilterPolicy, IncludeExcludePolicy, PoliciesVersion, ResourcePolicies};
pub use restore::{ExistingPolicy, OwnedPolicy, RestoreSpec, RestoreStatus};
pub use restore_hooks::{InitHook, RestoreExecHook, RestoreHook, RestoreHookResource, RestoreHooks};
pub use retention::Retention;
pub use schedule::{Concurrency, ScheduleSpec};
pub use ttl::{Ttl, TtlError};
pub use violation::{Violation, Violations};
pub use volumes::{
    CapacityRange, ClaimPhase, CsiCondition, NfsCondition, VolumeAction, VolumeActionType, VolumeConditions,
    VolumeMode, VolumePolicy, VolumeType,
};

use selection::{SelectionFields, selection_violations};

#[cfg(test)]
mod laws;
