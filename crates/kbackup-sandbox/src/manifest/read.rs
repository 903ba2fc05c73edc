//! Files and texts to manifests.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use kbackup_core::model::Object;
use serde_json::Value;

use super::ManifestError;
use super::yaml::{documents, parse};

/// How many folders may be inside each other.
const DEPTH_MAX: usize = 32;

/// An object that was read from a file, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The object, with `apiVersion` and `kind`.
    pub object: Object,
    /// Where it stands.
    pub origin: Origin,
}

/// Where a manifest stands. Its text form is `shop.yaml, document 3 (line 17)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file's path, or the name of the text.
    pub file: String,
    /// The document's number in it, from 1.
    pub document: usize,
    /// The document's first line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {} (line {})", self.file, self.document, self.line)
    }
}

/// Reads the documents of a text, YAML or JSON. Empty documents are left out, and a `List` counts as its items. `name` is
/// what errors call the text.
///
/// ```
/// let text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: web}\n---\n# nothing\n";
/// let manifests = kbackup_sandbox::manifest::read_text("example", text)?;
/// assert_eq!(manifests[0].object.to_string(), "ConfigMap web");
/// # Ok::<(), kbackup_sandbox::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// The first document that is not YAML, or no Kubernetes object.
pub fn read_text(name: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for (number, (line, document)) in documents(text).into_iter().enumerate() {
        let origin = Origin { file: name.to_owned(), document: number + 1, line };
        match parse(&document) {
            Ok(Value::Null) => {}
            Ok(value) => flatten(value, &origin, &mut manifests)?,
            Err(why) => return Err(ManifestError::Syntax { origin, why }),
        }
    }
    Ok(manifests)
}

/// Reads a file, or all `.yaml`, `.yml` and `.json` files of a folder and the folders in it, in the order of their names.
/// Blocks while it reads.
///
/// # Errors
/// As [`read_text`]; and where a file or folder can't be read.
pub fn read_path(path: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let mut files = Vec::new();
    if fs::metadata(path).map_err(|source| io_error(path, source))?.is_dir() {
        collect_files(path, 0, &mut files)?;
    } else {
        files.push(path.to_owned());
    }
    let mut manifests = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|source| io_error(&file, source))?;
        manifests.extend(read_text(&file.display().to_string(), &text)?);
    }
    Ok(manifests)
}

fn collect_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ManifestError> {
    if depth > DEPTH_MAX {
        return Err(ManifestError::TooDeep { path: folder.to_owned() });
    }
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<_> =
        entries.map_err(|source| io_error(folder, source))?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect_files(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// An object as itself, a list as its items.
fn flatten(value: Value, origin: &Origin, manifests: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    let is_list = value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match value {
        Value::Object(mut fields) if is_list && fields.get("items").is_some_and(Value::is_array) => {
            let Some(Value::Array(items)) = fields.remove("items") else { return Ok(()) };
            items.into_iter().try_for_each(|item| flatten(item, origin, manifests))
        }
        value => {
            let object = checked(&value).map_err(|why| ManifestError::NotAnObject { origin: origin.clone(), why })?;
            manifests.push(Manifest { object, origin: origin.clone() });
            Ok(())
        }
    }
}

fn checked(value: &Value) -> Result<Object, String> {
    for field in ["apiVersion", "kind"] {
        if value[field].as_str().is_none_or(str::is_empty) {
            return Err(format!("\"{field}\" is missing"));
        }
    }
    let metadata = &value["metadata"];
    if ["name", "generateName"].iter().all(|field| metadata[*field].as_str().is_none_or(str::is_empty)) {
        return Err("\"metadata.name\" is missing".to_owned());
    }
    Object::from_value(value).map_err(|_| "its metadata is not what Kubernetes has there".to_owned())
}

fn io_error(path: &Path, source: std::io::Error) -> ManifestError {
    ManifestError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(manifests: &[Manifest]) -> Vec<String> {
        manifests.iter().map(|manifest| manifest.object.to_string()).collect()
    }

    #[test]
    fn lists_are_their_items() {
        let text = r#"{"kind":"List","apiVersion":"v1","items":[
            {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n"}},
            {"kind":"SecretList","apiVersion":"v1","items":[{"kind":"Secret","apiVersion":"v1","metadata":{"name":"b"}}]}]}"#;
        assert_eq!(names(&read_text("list", text).expect("a list")), ["ConfigMap n/a", "Secret b"]);
    }

    #[test]
    fn errors_name_file_document_and_line() {
        for (text, expect) in [
            ("a: [1", "t, document 1 (line 1) is neither YAML nor JSON: "),
            (
                "---\n# x\n---\nkind: A\n",
                "t, document 3 (line 3) is not a Kubernetes object: \"apiVersion\" is missing",
            ),
            (
                "kind: A\napiVersion: v1\nmetadata: {}",
                "t, document 1 (line 1) is not a Kubernetes object: \"metadata.name\"",
            ),
            ("- 1", "t, document 1 (line 1) is not a Kubernetes object: \"apiVersion\" is missing"),
        ] {
            let error = read_text("t", text).expect_err(text).to_string();
            assert!(error.starts_with(expect), "{error}");
        }
    }

    #[test]
    fn folders_are_read_in_the_order_of_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let map = |name: &str| format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{name: {name}}}\n");
        fs::create_dir(folder.path().join("b")).expect("a folder");
        for (file, name) in [("c.yml", "third"), ("a.yaml", "first"), ("b/x.yaml", "second"), ("notes.txt", "never")] {
            fs::write(folder.path().join(file), map(name)).expect("a file");
        }
        let read = read_path(folder.path()).expect("manifests");
        assert_eq!(names(&read), ["ConfigMap first", "ConfigMap second", "ConfigMap third"]);
        assert!(matches!(read_path(&folder.path().join("none")), Err(ManifestError::Io { .. })));
    }
}
