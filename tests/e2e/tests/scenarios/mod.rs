//! What must hold on every cluster. One file a theme.

mod atomic;
mod changes;
mod disturbed;
mod existing;
mod hooks;
mod killed;
mod lossless;
mod readers;
mod restore_hooks;
mod types;
mod velero;
mod written;

pub(crate) use atomic::{
    a_backup_is_the_cluster_at_one_revision, a_forgotten_revision_is_named_or_fails_a_strict_backup,
};
pub(crate) use changes::{
    a_status_is_restored_on_request, a_storage_class_that_the_target_lacks_is_told_beforehand,
    a_taken_address_and_port_are_given_up, an_address_and_port_that_were_asked_for_stay, rules_change_what_is_restored,
};
pub(crate) use disturbed::{
    a_damaged_backup_is_restored_in_part_on_request_only,
    a_namespace_that_ends_is_awaited_and_one_that_does_not_is_given_up, a_server_that_is_gone_for_a_while_is_awaited,
    a_storm_of_429_delays_a_restore_and_costs_nothing, an_interrupted_restore_goes_on_where_it_was,
    connections_that_break_cost_no_object, namespaces_swap_their_names,
    objects_are_created_in_a_version_that_the_target_serves, what_is_forbidden_is_told_and_the_rest_restored,
};
pub(crate) use existing::existing_objects_are_met_as_each_policy_says;
pub(crate) use hooks::hooks_run_around_a_backup;
pub(crate) use killed::a_killed_backup_is_not_listed_and_harms_no_other;
pub(crate) use lossless::{
    a_shop_comes_back_as_it_was, a_shop_comes_back_encrypted_and_signed, a_shop_comes_back_under_another_name,
    monitoring_and_a_shop_come_back_as_they_were, monitoring_and_a_shop_come_back_under_other_names,
};
pub(crate) use readers::{
    the_documented_line_opens_a_backup_with_a_passphrase, the_documented_lines_read_a_backup,
    the_documented_lines_read_a_signed_and_encrypted_backup,
};
pub(crate) use restore_hooks::hooks_run_in_restored_pods;
pub(crate) use types::{
    a_type_that_has_just_come_is_backed_up_with_its_objects, an_api_that_does_not_answer_is_told_and_hides_nothing,
};
pub(crate) use velero::{
    a_shop_that_velero_backed_up_comes_back, a_shop_that_was_exported_comes_back_as_it_was,
    monitoring_and_a_shop_that_velero_backed_up_come_back,
};
