//! The documented lines read a backup, without kbackup.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use kbackup_core::backup::BackupReport;
use kbackup_core::crypt::{Identities, Keyring, Passphrase, Protection, Recipients, SigningKey};
use kbackup_core::engine::Engine;
use kbackup_core::format::{IndexLine, digest_of, entry_path};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_e2e::fixtures;
use kbackup_e2e::target::Target;
use kbackup_e2e::tools::tools_are_there;
use kbackup_providers::fs::FolderStore;
use tempfile::TempDir;

const DOCUMENT: &str = include_str!("../../../../docs/format.md");

/// A location and a home, with the keys that are made for a test.
struct Place {
    location: TempDir,
    home: TempDir,
    keyring: Keyring,
    protection: Protection,
}

impl Place {
    fn bare() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let (keyring, protection) = (Keyring::default(), Protection::default());
        Self { location: folder(), home: folder(), keyring, protection }
    }

    /// Encrypted and signed, with the keys where the documentation has them.
    fn protected() -> Self {
        let place = Self::bare();
        let (identity, signer) = (Identities::generate(), SigningKey::generate().expect("there is randomness"));
        let (file, public) = (identity.file("now"), signer.public().expect("it is whole"));
        std::fs::write(place.home.path().join("key.txt"), &file).expect("written");
        std::fs::write(place.home.path().join("backup.key.pub"), public.file()).expect("written");
        let recipients = Recipients::of([identity.recipient()]).expect("it is one");
        let keyring = Keyring::default().identities(Identities::parse(file.as_bytes(), None).expect("it is one"));
        Self { keyring, protection: Protection::default().encrypt(recipients).sign(signer), ..place }
    }

    /// Makes the backup `nightly` of a shop there, and gives what is in it.
    async fn back_up(&self) -> (BackupReport, Vec<IndexLine>) {
        let target = Target::sandbox();
        target.load(&fixtures::shop()).await;
        let store = FolderStore::open(self.location.path()).expect("a folder is a store");
        let engine = Engine::shared(target.cluster, std::sync::Arc::new(store));
        let engine = engine.protect(self.protection.clone()).unlock(self.keyring.clone());
        let name = "nightly".parse().expect("a name");
        let report = engine.backup(&name, &BackupSpec::default(), &Run::default()).await.expect("it is made");
        let index = report.manifest.read_index(engine.access()).await.expect("it opens");
        (report, index)
    }

    /// Runs the documented lines in the location.
    fn run(&self, lines: &str) -> String {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", lines]).current_dir(self.location.path()).env("HOME", self.home.path());
        let done = shell.output().expect("there is a bash");
        let (out, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{lines}\n{out}\n{error}");
        out.into_owned()
    }

    /// Every object of the index is in the unpacked files, with its digest; and nothing else is.
    fn assert_unpacked(&self, index: &[IndexLine]) {
        let root = self.home.path().join("unpacked");
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        assert_eq!(files.len(), index.len());
        for line in index {
            let path = entry_path(&line.gvr, line.ns.as_deref(), &line.name);
            assert_eq!(files.get(&path), Some(&line.sha256), "{path}");
        }
    }
}

/// The digest of each file below a folder, by its path.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned();
            files.insert(name, digest_of(&std::fs::read(&path).expect("it can be read")));
        }
    }
}

/// The n-th block of shell lines in the section on reading a backup.
fn lines(number: usize) -> &'static str {
    let section = DOCUMENT.split("## Reading a backup without kbackup").nth(1).expect("there is such a section");
    let block = section.split("```sh\n").nth(number + 1).expect("it has so many blocks");
    block.split("```").next().expect("the block ends")
}

pub(crate) async fn the_documented_lines_read_a_backup() {
    if !tools_are_there() {
        return;
    }
    let place = Place::bare();
    let (_, index) = place.back_up().await;
    let printed = place.run(lines(0));
    assert!(printed.lines().filter(|line| line.starts_with("{\"gvr\":")).count() == 3, "{printed}");
    place.assert_unpacked(&index);
}

pub(crate) async fn the_documented_lines_read_a_signed_and_encrypted_backup() {
    if !tools_are_there() {
        return;
    }
    let place = Place::protected();
    let (report, index) = place.back_up().await;
    let printed = place.run(lines(1));
    assert!(printed.contains("Signature and comment signature verified"), "{printed}");
    assert!(printed.contains(&format!("kbackup backup nightly, run {}", report.manifest.run_id)), "{printed}");
    assert!(printed.lines().filter(|line| line.starts_with("{\"gvr\":")).count() == 3, "{printed}");
    place.assert_unpacked(&index);
}

pub(crate) async fn the_documented_line_opens_a_backup_with_a_passphrase() {
    if !tools_are_there() {
        return;
    }
    let passphrase = Passphrase::new("open sesame").expect("it is one");
    let place = Place::bare();
    let protection = Protection::default().encrypt(Recipients::of_passphrase(passphrase.clone()).work(10));
    let place = Place { protection, keyring: Keyring::default().passphrase(passphrase), ..place };
    place.back_up().await;
    // age reads the passphrase from its terminal, which `script` gives it.
    let line = lines(2).trim();
    place.run(&format!("printf 'open sesame\\n' | script -qec '{line}' /dev/null"));
    let key = std::fs::read(place.home.path().join("key.txt")).expect("age has written it");
    Identities::parse(&key, None).expect("it is the identity of the backup");
}
