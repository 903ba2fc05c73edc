//! Every scenario, on every cluster there is.

#![allow(clippy::panic, reason = "all of this is tests")]

mod scenarios;

use kbackup_e2e::target::Target;

/// A scenario on the sandbox, and on the real API server where there is one.
macro_rules! on_every_cluster {
    ($name:ident) => {
        on_every_cluster!($name, sandbox = Target::sandbox());
    };
    ($name:ident, sandbox = $sandbox:expr) => {
        mod $name {
            use super::{Target, scenarios};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sandbox() {
                scenarios::$name(&$sandbox).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn real_api_server() {
                if let Some(target) = Target::real().await {
                    scenarios::$name(&target).await;
                }
            }
        }
    };
}

on_every_cluster!(a_shop_comes_back_as_it_was);
on_every_cluster!(a_shop_comes_back_under_another_name);
on_every_cluster!(a_shop_comes_back_encrypted_and_signed);
on_every_cluster!(monitoring_and_a_shop_come_back_as_they_were);
on_every_cluster!(monitoring_and_a_shop_come_back_under_other_names);
on_every_cluster!(a_backup_is_the_cluster_at_one_revision);
on_every_cluster!(a_shop_that_was_exported_comes_back_as_it_was);
on_every_cluster!(a_shop_that_velero_backed_up_comes_back);
on_every_cluster!(monitoring_and_a_shop_that_velero_backed_up_come_back);
on_every_cluster!(a_taken_address_and_port_are_given_up);
on_every_cluster!(an_address_and_port_that_were_asked_for_stay);
on_every_cluster!(rules_change_what_is_restored);
on_every_cluster!(a_storage_class_that_the_target_lacks_is_told_beforehand);
on_every_cluster!(a_status_is_restored_on_request);
on_every_cluster!(a_type_that_has_just_come_is_backed_up_with_its_objects);
on_every_cluster!(an_api_that_does_not_answer_is_told_and_hides_nothing);

// Commands need a socket, and machines: `testcluster -kubelet`.
on_every_cluster!(hooks_run_around_a_backup, sandbox = Target::served_sandbox().await);
on_every_cluster!(hooks_run_in_restored_pods, sandbox = Target::served_sandbox().await);

/// Needs a server that forgets soon, which others would rather not have.
mod a_forgotten_revision_is_named_or_fails_a_strict_backup {
    use super::{Target, scenarios};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sandbox() {
        scenarios::a_forgotten_revision_is_named_or_fails_a_strict_backup(&Target::sandbox()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn real_api_server() {
        if let Some(target) = Target::forgetful().await {
            scenarios::a_forgotten_revision_is_named_or_fails_a_strict_backup(&target).await;
        }
    }
}
on_every_cluster!(existing_objects_are_met_as_each_policy_says);
on_every_cluster!(a_storm_of_429_delays_a_restore_and_costs_nothing);
on_every_cluster!(connections_that_break_cost_no_object);
on_every_cluster!(a_server_that_is_gone_for_a_while_is_awaited);
on_every_cluster!(an_interrupted_restore_goes_on_where_it_was);
on_every_cluster!(namespaces_swap_their_names);
on_every_cluster!(a_damaged_backup_is_restored_in_part_on_request_only);
on_every_cluster!(what_is_forbidden_is_told_and_the_rest_restored);
on_every_cluster!(a_namespace_that_ends_is_awaited_and_one_that_does_not_is_given_up);
on_every_cluster!(objects_are_created_in_a_version_that_the_target_serves);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backup_is_not_listed_and_harms_no_other() {
    scenarios::a_killed_backup_is_not_listed_and_harms_no_other().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_lines_read_a_backup() {
    scenarios::the_documented_lines_read_a_backup().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_lines_read_a_signed_and_encrypted_backup() {
    scenarios::the_documented_lines_read_a_signed_and_encrypted_backup().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_line_opens_a_backup_with_a_passphrase() {
    scenarios::the_documented_line_opens_a_backup_with_a_passphrase().await;
}
