//! The JSON paths that a CustomResourceDefinition names its columns by
//! (<https://kubernetes.io/docs/reference/kubectl/jsonpath/>): fields, indexes, `[*]` and `[?(@.field=="value")]`.

use std::borrow::Cow;

use serde_json::Value;

/// A path into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    All,
    Where { path: Vec<String>, value: String },
}

impl JsonPath {
    /// The path that a text like `.status.conditions[?(@.type=="Ready")].status` means; `None` where it is none, or
    /// uses more of the language than columns do.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(bracket) => {
                    let end = bracket.find(']')?;
                    (in_brackets(&bracket[..end])?, &bracket[end + 1..])
                }
                None => field(rest.strip_prefix('.')?)?,
            };
            steps.push(step);
            rest = after;
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    /// All values at this path.
    pub(crate) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        self.0.iter().fold(vec![value], |values, step| values.into_iter().flat_map(|value| step.of(value)).collect())
    }
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => value.get(index).into_iter().collect(),
            Self::All => value.as_array().map(|items| items.iter().collect()).unwrap_or_default(),
            Self::Where { path, value: wanted } => {
                let found = |item| path.iter().try_fold(item, |value: &Value, name| value.get(name));
                let is = |item: &&'a Value| found(*item).is_some_and(|found| text(found) == *wanted);
                value.as_array().map(|items| items.iter().filter(is).collect()).unwrap_or_default()
            }
        }
    }
}

fn text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

/// A field's name up to the next dot or bracket; a backslash takes the next letter as it is.
fn field(text: &str) -> Option<(Step, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            '.' | '[' => return (!name.is_empty()).then_some((Step::Field(name), &text[at..])),
            _ => name.push(letter),
        }
    }
    (!name.is_empty()).then_some((Step::Field(name), ""))
}

fn in_brackets(text: &str) -> Option<Step> {
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(condition) = text.strip_prefix("?(@.").and_then(|text| text.strip_suffix(')')) {
        let (path, value) = condition.split_once("==")?;
        let path = path.trim().split('.').map(str::to_owned).collect();
        return Some(Step::Where { path, value: unquoted(value.trim()).to_owned() });
    }
    let name = unquoted(text);
    if name.len() < text.len() { Some(Step::Field(name.to_owned())) } else { text.parse().ok().map(Step::Index) }
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths() {
        let object = json!({
            "metadata": {"annotations": {"a.io/b": "c"}},
            "spec": {"hosts": [{"name": "x"}, {"name": "y"}]},
            "status": {"conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}]},
        });
        for (path, expect) in [
            (".spec.hosts[0].name", vec![json!("x")]),
            (".spec.hosts[*].name", vec![json!("x"), json!("y")]),
            (".spec.hosts[7].name", vec![]),
            (r".metadata.annotations.a\.io/b", vec![json!("c")]),
            (".metadata.annotations['a.io/b']", vec![json!("c")]),
            (r#".status.conditions[?(@.type=="Ready")].status"#, vec![json!("True")]),
            (r".status.conditions[?(@.type=='Synced')].status", vec![json!("False")]),
            (".nothing.here", vec![]),
        ] {
            let path_read = JsonPath::parse(path).expect(path);
            assert_eq!(path_read.find(&object).into_iter().cloned().collect::<Vec<_>>(), expect, "{path}");
        }
        for path in ["", "spec", ".", "..", ".a[", ".a[x]", ".a[?(@.b>1)]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}
