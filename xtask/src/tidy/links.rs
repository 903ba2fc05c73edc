//! Links in Markdown files lead to files that exist.

use super::finding::Finding;

const RULE: &str = "links";

/// The links of a Markdown file to files of the repository that `exists` does not know.
pub(crate) fn check(path: &str, text: &str, exists: &impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line).filter(|target| is_local(target)) {
            let file = resolve(path, target);
            if !exists(&file) {
                let message =
                    format!("`{target}` leads to {file}, which does not exist: mend the link or add the file");
                findings.push(Finding { file: path.to_owned(), line: index + 1, rule: RULE, message });
            }
        }
    }
    findings
}

/// What stands in `](…)` on a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

fn is_local(target: &str) -> bool {
    !target.is_empty() && !target.starts_with('#') && !target.contains(':')
}

/// The path from the root of what a link in `file` leads to.
fn resolve(file: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { file.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn links_lead_somewhere() {
        let known = ["docs/format.md", "README.md", "docs"];
        for (file, text, expected) in [
            ("README.md", "see [a](docs/format.md#keys) and [b](https://x.y/z), [c](#here)", 0),
            ("README.md", "see [a](docs/formats.md), [b](docs/)", 1),
            ("docs/format.md", "[a](../README.md) [b](format.md \"title\") [c](README.md)", 1),
            ("docs/format.md", "[a](/README.md)", 0),
            ("docs/format.md", "```\n[a](nothing.md)\n```\n", 0),
        ] {
            let found = check(file, text, &|path| known.contains(&path));
            assert_eq!(found.len(), expected, "{file}: {text}: {found:?}");
        }
    }
}
