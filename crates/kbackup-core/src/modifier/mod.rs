//! Changes of objects on their way into a cluster, as a user writes them: rules, each with conditions and patches. The
//! format is that of Velero's resource modifiers.
//!
//! [`ResourceModifiers`] is what the user wrote; [`ResourceModifiers::compile`] checks all of it and makes [`Modifiers`],
//! which change objects. All of it is pure.

mod apply;
mod compile;
mod rules;
#[cfg(test)]
mod tests;
mod value;

pub use apply::{Modifiers, Target};
pub use rules::{Conditions, JsonOperation, MatchRule, PatchData, ResourceModifierRule, ResourceModifiers};
