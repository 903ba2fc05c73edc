//! Reads the files of the repository and runs every rule on them.

use std::fs;
use std::io;
use std::path::Path;

use super::finding::Finding;
use super::source::Source;
use super::{crates, kinds, layers, layout, links, size, tests_rule};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "vendor"];

/// How many files were read, and what is wrong with them, by file and line.
///
/// # Errors
/// Where a file can't be read.
pub(crate) fn check(root: &Path) -> io::Result<(usize, Vec<Finding>)> {
    let mut paths = Vec::new();
    walk(root, "", &mut paths)?;
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(root.join(path))?;
        match path.rsplit('.').next() {
            Some("rs") => sources.push(Source::new(path, &text)),
            Some("md") => findings.extend(links::check(path, &text, &|file| root.join(file).exists())),
            _ => findings.extend(crates::check(path, &text)),
        }
    }
    findings.extend(layers::check(&sources));
    for rule in [size::check, layout::check, tests_rule::check, kinds::check] {
        findings.extend(sources.iter().flat_map(rule));
    }
    findings.sort_by(|a, b| (&a.file, a.line, a.rule).cmp(&(&b.file, b.line, b.rule)));
    Ok((paths.len(), findings))
}

/// Collects the files that a rule looks at, as paths from the root with slashes. Links are not followed.
fn walk(root: &Path, folder: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(root, &path, found)?;
        } else if kind.is_file() && (name.ends_with(".rs") || name.ends_with(".md") || name == "Cargo.toml") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn every_rule_runs_on_the_files_of_a_repository() {
        let root = tempfile::tempdir().expect("a folder for the test");
        let write = |path: &str, text: &str| {
            let file = root.path().join(path);
            std::fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder can be made");
            std::fs::write(file, text).expect("the file can be written");
        };
        let core = "crates/kbackup-core/src";
        write("README.md", "[gone](gone.md)");
        write("crates/kbackup-core/Cargo.toml", "[dependencies]\nkbackup-cli = \"1\"\n[lints]\nworkspace = true\n");
        write(&format!("{core}/model.rs"), "//! This.\nuse crate::store::Key;\n");
        write(&format!("{core}/store/mod.rs"), "fn a() { todo!() }\n");
        write(&format!("{core}/backup/run.rs"), "//! This.\nconst A: &str = \"Pod\";\n");
        write(&format!("{core}/limits.rs"), &format!("//! This.\n{}", "const A: u8 = 1;\n".repeat(400)));
        write("target/a.rs", "todo!()");
        write(".git/a.rs", "todo!()");
        let (files, findings) = check(root.path()).expect("the files can be read");
        let rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(files, 6);
        assert_eq!(rules, ["links", "crates", "kinds", "size", "layers", "mod", "purpose", "tests"]);
    }
}
