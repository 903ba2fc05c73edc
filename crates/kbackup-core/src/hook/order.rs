//! Objects that a backup takes care of in an order of the user's.

use std::collections::BTreeMap;

use crate::model::{Discovery, Gvr, ObjectRef};
use crate::spec::{Violation, Violations};

/// The objects that `orderedResources` names, by type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ordered {
    types: BTreeMap<Gvr, Vec<ObjectRef>>,
}

impl Ordered {
    /// Reads Velero's form, with the words that the cluster has for its types: `{"pods": "shop/db-0,shop/db-1"}`.
    ///
    /// # Errors
    /// For a word that names no type, or several, and for a name that can't be one of its objects'.
    pub fn resolve(asked: &BTreeMap<String, String>, discovery: &Discovery) -> Result<Self, Violations> {
        let (mut types, mut found) = (BTreeMap::<Gvr, Vec<ObjectRef>>::new(), Vec::new());
        let mut refuse = |message: String| found.push(Violation::new("orderedResources", message));
        for (word, names) in asked {
            let ty = match discovery.find(word)[..] {
                [ty] => ty,
                [] => {
                    refuse(unknown(word, discovery));
                    continue;
                }
                ref several => {
                    let several: Vec<String> = several.iter().map(|ty| ty.gvr.group_resource()).collect();
                    refuse(format!("\"{word}\" names several types: write one of {}", several.join(", ")));
                    continue;
                }
            };
            for name in names_of(names) {
                match place(name, ty.namespaced) {
                    Some((namespace, name)) => {
                        let at = ObjectRef { gvr: ty.gvr.clone(), namespace, name };
                        types.entry(ty.gvr.clone()).or_default().push(at);
                    }
                    None if ty.namespaced => {
                        refuse(format!("{word} live in namespaces: write \"{name}\" as namespace/name"));
                    }
                    None => refuse(format!("{word} do not live in namespaces: write \"{name}\" as a name alone")),
                }
            }
        }
        Violations::check(found).map(|()| Self { types })
    }

    /// Whether objects of this type are named.
    #[must_use]
    pub fn names_type(&self, ty: &Gvr) -> bool {
        self.types.contains_key(ty)
    }

    /// Where in the order an object is; `None` where it is not named.
    #[must_use]
    pub fn position(&self, object: &ObjectRef) -> Option<usize> {
        self.types.get(&object.gvr)?.iter().position(|named| named == object)
    }

    /// Every object that is named, type by type, in its order.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.types.values().flatten()
    }
}

/// The names in one value of `orderedResources`.
fn names_of(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn place(name: &str, namespaced: bool) -> Option<(Option<String>, String)> {
    match (name.split_once('/'), namespaced) {
        (Some((namespace, name)), true) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Some((Some(namespace.to_owned()), name.to_owned()))
        }
        (None, false) => Some((None, name.to_owned())),
        _ => None,
    }
}

fn unknown(word: &str, discovery: &Discovery) -> String {
    let near: Vec<String> = discovery.nearest(word).iter().map(|name| format!("\"{name}\"")).collect();
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    format!("the cluster serves no type \"{word}\"{hint}")
}
