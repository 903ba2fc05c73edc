//! The configuration file: locations and schedules by name. It is read whole, and changed in place: comments stay.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kbackup_core::model::nearest;
use kbackup_providers::location::Location;
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, Table};

use crate::args::Global;
use crate::error::Failure;

/// What a configuration file says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The location that is meant where a command names neither a store nor a location.
    pub(crate) default_location: Option<String>,
    pub(crate) locations: BTreeMap<String, Location>,
    /// Schedules as they stand there: each is read when it is needed, so that one that is wrong hides no other.
    pub(crate) schedules: BTreeMap<String, serde_json::Value>,
}

/// The file, for changing it.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
}

/// The tables of named things in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Section {
    Locations,
    Schedules,
}

impl Section {
    fn key(self) -> &'static str {
        match self {
            Self::Locations => "locations",
            Self::Schedules => "schedules",
        }
    }
}

impl Config {
    /// What the file says; one that does not exist says nothing.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let path = path(global)?;
        toml_edit::de::from_str(&text(&path)?).map_err(|error| unreadable(&path, &error))
    }

    /// The location of that name.
    pub(crate) fn location(&self, name: &str) -> Result<&Location, Failure> {
        self.locations.get(name).ok_or_else(|| unknown("location", name, self.locations.keys()))
    }

    /// The schedule of that name, as it stands there.
    pub(crate) fn schedule(&self, name: &str) -> Result<&serde_json::Value, Failure> {
        self.schedules.get(name).ok_or_else(|| unknown("schedule", name, self.schedules.keys()))
    }
}

impl ConfigFile {
    pub(crate) fn open(global: &Global) -> Result<Self, Failure> {
        let path = path(global)?;
        let document = text(&path)?.parse().map_err(|error| unreadable(&path, &error))?;
        Ok(Self { path, document })
    }

    /// Writes the thing of that name, new or in the place of the old one.
    pub(crate) fn set(&mut self, section: Section, name: &str, thing: &impl Serialize) -> Result<(), Failure> {
        let table = toml_edit::ser::to_document(thing)
            .map_err(|error| Failure::failed(format!("\"{name}\" can't be written to the file")).why(error))?;
        let sections = self.document.entry(section.key()).or_insert_with(implicit_table);
        let Some(sections) = sections.as_table_like_mut() else {
            return Err(Failure::usage(format!("{} is no table in {}", section.key(), self.path.display())));
        };
        sections.insert(name, Item::Table(table.into_table()));
        Ok(())
    }

    /// Takes the thing of that name out; whether it was there.
    pub(crate) fn remove(&mut self, section: Section, name: &str) -> bool {
        let sections = self.document.get_mut(section.key()).and_then(Item::as_table_like_mut);
        sections.is_some_and(|sections| sections.remove(name).is_some())
    }

    /// Makes the location of that name the one that is meant where none is named; `None`: no longer any.
    pub(crate) fn set_default_location(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.document["defaultLocation"] = toml_edit::value(name),
            None => _ = self.document.remove("defaultLocation"),
        }
    }

    /// Writes the file, whole or not at all. It may hold keys of a store, so nobody else may read it.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let text = self.document.to_string();
        // What was written must be what can be read again.
        toml_edit::de::from_str::<Config>(&text).map_err(|error| unreadable(&self.path, &error))?;
        replace(&self.path, text.as_bytes())
            .map_err(|error| Failure::failed(format!("{} can't be written", self.path.display())).why(error))
    }
}

fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn path(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(path) = &global.config {
        return Ok(path.clone());
    }
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").map(|home| home.join(".config"));
    let config = folder("XDG_CONFIG_HOME").or_else(home).map(|config| config.join("kbackup/config.toml"));
    config.ok_or_else(|| {
        Failure::usage("there is no configuration file")
            .why("neither HOME nor XDG_CONFIG_HOME is set")
            .next("add --config FILE")
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::usage(format!("{} can't be read", path.display())).why(error)),
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    // The first line says where, and the others show the place: it may hold a key.
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains('|') && !line.trim().is_empty()).collect();
    let failure = Failure::usage(format!("{} is not a configuration of kbackup", path.display()));
    failure.why(lines.join(", ")).next("its words are in docs/guide/locations.md and docs/guide/schedules.md")
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let near = nearest(name, known.iter().copied());
    let why = match (&near[..], &known[..]) {
        (_, []) => format!("the configuration file has no {what}"),
        ([], known) => format!("there are {}", known.join(", ")),
        (near, _) => format!("did you mean {}?", near.join(", ")),
    };
    Failure::usage(format!("there is no {what} \"{name}\"")).why(why).next(format!("kbackup {what} get"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ConfigFile {
        ConfigFile { path: PathBuf::from("config.toml"), document: text.parse().expect("it is TOML") }
    }

    #[test]
    fn changes_leave_the_rest_of_the_file_as_it_is() {
        let before = "# ours\n[locations.main] # the main one\nurl = \"file:///srv\"\n";
        let mut config = file(before);
        config.set(Section::Locations, "other", &Location::new("memory://").read_only()).expect("it can be written");
        config.set_default_location(Some("main"));
        let text = config.document.to_string();
        assert!(text.contains("# ours\n[locations.main] # the main one\nurl = \"file:///srv\"\n"), "{text}");
        let read: Config = toml_edit::de::from_str(&text).expect("it can be read");
        assert_eq!(read.default_location.as_deref(), Some("main"));
        assert_eq!(read.location("other").expect("it is there"), &Location::new("memory://").read_only());
        assert!(config.remove(Section::Locations, "other") && !config.remove(Section::Schedules, "other"));
        config.set_default_location(None);
        assert_eq!(config.document.to_string(), before);
    }

    #[test]
    fn what_is_wrong_is_said_without_what_stands_beside_it() {
        let text = "[locations.main]\nurl = \"file:///srv\"\nsecret = \"hunter2\"\n";
        let error = toml_edit::de::from_str::<Config>(text).expect_err("there is no such word");
        let failure = unreadable(Path::new("c.toml"), &error);
        let said = format!("{failure:?}");
        assert!(said.contains("unknown field `secret`") && !said.contains("hunter2"), "{said}");
        let config: Config = toml_edit::de::from_str("[locations.main]\nurl = \"x\"").expect("it can be read");
        assert!(format!("{:?}", config.location("mian")).contains("did you mean main?"));
    }
}
