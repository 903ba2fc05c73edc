//! What a client asks before anything else: which types there are, and how they are described.

mod aggregated;
mod groups;
mod legacy;
mod openapi;
pub(crate) mod openapi_v2;
mod subresource;

pub(crate) use aggregated::{MEDIA_TYPE as AGGREGATED, aggregated};
pub(crate) use groups::{Group, Version, groups};
pub(crate) use legacy::{api_group, api_group_list, api_resource_list, api_versions};
pub(crate) use openapi::{document, index};
pub(crate) use subresource::has_scale;
