//! Why a patch can't be applied.

/// Why a patch can't be applied. It never shows the values of the object: these may be a Secret's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The patch is not one, or does not fit the object.
    #[error("the patch cannot be applied: {why}")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// A `test` of a JSON patch found another value.
    #[error("the patch cannot be applied: a test found another value")]
    TestFailed,
    /// A server-side apply would change fields that others own.
    #[error("Apply failed with {} conflict{}: {}", .fields.len(), plural(.fields.len()), told(.fields))]
    Conflict {
        /// Each field, as Kubernetes writes its path, and who owns it.
        fields: Vec<(String, String)>,
    },
}

impl PatchError {
    pub(super) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn told(fields: &[(String, String)]) -> String {
    let told = fields.iter().map(|(field, owner)| format!("conflict with \"{owner}\": {field}"));
    told.collect::<Vec<_>>().join("; ")
}
