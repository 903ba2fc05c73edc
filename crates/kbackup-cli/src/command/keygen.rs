//! `kbackup keygen`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kbackup_core::crypt::{Identities, SigningKey};

use crate::args::{Global, KeygenArgs};
use crate::error::{Code, Failure};
use crate::view;

/// A key with its files.
struct Key {
    secret: String,
    public: String,
    public_file: Option<String>,
}

pub(super) fn run(global: &Global, keygen: &KeygenArgs) -> Result<Code, Failure> {
    let key = if keygen.signing { signing()? } else { identity() };
    let Some(path) = &keygen.out else {
        view::line(key.secret.trim_end())?;
        if !global.quiet {
            view::note(format!("Public key: {}", key.public));
        }
        return Ok(Code::Completed);
    };
    let public_path = PathBuf::from(format!("{}.pub", path.display()));
    let files =
        [Some((path.as_path(), &key.secret, true)), key.public_file.as_ref().map(|text| (&*public_path, text, false))];
    let files: Vec<(&Path, &String, bool)> = files.into_iter().flatten().collect();
    // Both are looked at before one is written.
    if let Some((taken, ..)) = files.iter().find(|(path, ..)| path.exists()) {
        return Err(exists(taken));
    }
    for (path, text, secret) in files {
        write(path, text, secret)?;
    }
    view::line(key.public)?;
    Ok(Code::Completed)
}

fn identity() -> Key {
    let new = Identities::generate();
    let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Key { secret: new.file(&created), public: new.recipient(), public_file: None }
}

fn signing() -> Result<Key, Failure> {
    let failed = |error| Failure::from_error(Code::Failed, &error);
    let key = SigningKey::generate().map_err(failed)?;
    let public = key.public().map_err(failed)?;
    Ok(Key { secret: key.file(), public: public.to_string(), public_file: Some(public.file()) })
}

/// Writes a file that was not there; a secret one for its owner alone.
fn write(path: &Path, text: &str, secret: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::usage(format!("{} can't be written", path.display())).why(error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| Failure::failed(format!("{} could not be written", path.display())).why(error))
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists already", path.display()))
        .why("a key is never overwritten: what was encrypted for it could not be read any more")
        .next("choose another name")
}
