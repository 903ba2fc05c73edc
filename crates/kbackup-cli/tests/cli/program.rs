//! Runs the real `kbackup`, far from the configuration of whoever runs the tests.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home folder with a store in it, and nothing that `kbackup` could find elsewhere.
pub(crate) struct Home {
    folder: TempDir,
}

/// What `kbackup` said, and the code that it ended with.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store that is meant where a command names none.
    pub(crate) fn store(&self) -> String {
        format!("file://{}", self.path("store").display())
    }

    /// `kbackup` with the words of a line, in which `~` is this home. Nothing answers its questions.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kbackup"));
        let home = self.folder.path().to_str().expect("a path of text");
        command.args(line.split_whitespace().map(|word| word.replace('~', home)));
        command.env_clear().env("HOME", home).env("KBACKUP_STORE", self.store());
        if self.path("kubeconfig").exists() {
            command.env("KUBECONFIG", self.path("kubeconfig"));
        }
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        self.command(line).output().expect("it starts").into()
    }

    /// What a command prints that must go well.
    pub(crate) fn ok(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "kbackup {line}: {said:?}");
        said.out
    }

    /// The same, as JSON.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("{line} -o json"))).expect("standard output is JSON, and nothing else")
    }

    /// A command that must end with this code, print no result, and say all of this.
    pub(crate) fn refuses(&self, line: &str, code: i32, parts: &[&str]) {
        let said = self.run(line);
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "kbackup {line}: {}", said.err);
        assert!(said.err.lines().any(|told| told.starts_with("error: ")), "kbackup {line}: {}", said.err);
        let home = self.folder.path().to_str().expect("a path of text");
        for part in parts {
            let part = part.replace('~', home);
            assert!(said.err.contains(&part), "kbackup {line}: \"{part}\" is not in\n{}", said.err);
        }
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it prints text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A `kbackup sandbox` with the shop in it, which a [`Home`] has the kubeconfig of.
pub(crate) struct Sandbox(Child);

impl Sandbox {
    pub(crate) fn start(home: &Home) -> Self {
        Self::with(home, "")
    }

    /// The same, with the manifests of more files or folders.
    pub(crate) fn with(home: &Home, load: &str) -> Self {
        let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kbackup-sandbox/src/shop");
        let line = format!("sandbox --write-kubeconfig ~/kubeconfig --load {} {load}", shop.display());
        let mut command = home.command(&line);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut ready = String::new();
        let output = child.stdout.as_mut().expect("its output is piped");
        BufReader::new(output).read_line(&mut ready).expect("it prints text");
        assert!(ready.contains("serves at https://127.0.0.1:"), "{ready}");
        Self(child)
    }

    /// Sends it a signal, and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> Option<i32> {
        send(signal, self.0.id());
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Sends a signal (`INT` is what Ctrl-C sends) to a process.
pub(crate) fn send(signal: &str, process: u32) {
    let sent = Command::new("kill").args(["-s", signal, &process.to_string()]).status().expect("there is a kill");
    assert!(sent.success(), "the process is there");
}
