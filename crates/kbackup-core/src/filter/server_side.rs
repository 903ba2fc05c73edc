//! What the API server can select in one list.

use std::collections::BTreeSet;

use crate::model::{LabelSelector, Operator, Requirement};

/// One selector that chooses what any of these does, as far as one list can carry it; otherwise the empty one, and the
/// rules choose.
pub(super) fn one_selector(any_of: &[LabelSelector]) -> LabelSelector {
    match any_of {
        [one] => one.clone(),
        _ => values_of_one_label(any_of).unwrap_or_default(),
    }
}

/// `app=web or app in (db,cache)` is `app in (cache,db,web)`.
fn values_of_one_label(any_of: &[LabelSelector]) -> Option<LabelSelector> {
    let pairs: Option<Vec<(&String, Vec<&String>)>> = any_of.iter().map(values).collect();
    let pairs = pairs?;
    let (key, _) = pairs.first()?;
    if pairs.iter().any(|(other, _)| other != key) {
        return None;
    }
    let values: BTreeSet<&String> = pairs.iter().flat_map(|(_, values)| values.iter().copied()).collect();
    let requirement =
        Requirement { key: (*key).clone(), operator: Operator::In, values: values.into_iter().cloned().collect() };
    Some(LabelSelector { match_expressions: vec![requirement], ..LabelSelector::default() })
}

/// The label and its values, where a selector asks for nothing else.
fn values(selector: &LabelSelector) -> Option<(&String, Vec<&String>)> {
    let mut labels = selector.match_labels.iter();
    match (labels.next(), labels.next(), &selector.match_expressions[..]) {
        (Some((key, value)), None, []) => Some((key, vec![value])),
        (None, None, [one]) if one.operator == Operator::In => Some((&one.key, one.values.iter().collect())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_list_carries_the_values_of_one_label() {
        for (any_of, expect) in [
            (&[][..], ""),
            (&["app=web,!tier"], "app=web,!tier"),
            (&["app=web", "app=db"], "app in (db,web)"),
            (&["app in (b,a)", "app=b"], "app in (a,b)"),
            (&["app=web", "tier=db"], ""),
            (&["app=web", "app=db,tier=x"], ""),
            (&["app=web", "app notin (db)"], ""),
            (&["app=web", ""], ""),
        ] {
            let any_of: Vec<LabelSelector> = any_of.iter().map(|text| text.parse().expect("a selector")).collect();
            assert_eq!(one_selector(&any_of).to_string(), expect, "{any_of:?}");
        }
    }
}
