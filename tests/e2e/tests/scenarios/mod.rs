//! What must hold on every cluster. One file a theme.

mod atomic;
mod killed;
mod lossless;

pub(crate) use atomic::a_backup_is_the_cluster_at_one_revision;
pub(crate) use killed::a_killed_backup_is_not_listed_and_harms_no_other;
pub(crate) use lossless::{
    a_shop_comes_back_as_it_was, a_shop_comes_back_under_another_name, monitoring_and_a_shop_come_back_as_they_were,
    monitoring_and_a_shop_come_back_under_other_names,
};
