//! A disk that is full: what does not fit is an error, and nothing half-done stays.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::program::{Home, Said, Sandbox};

/// `kbackup` where no file can have more than 64 KiB. For a program, that is a disk which has no more room.
fn cramped(home: &Home, line: &str) -> Said {
    let plain = home.command(line);
    // The signal would end it; where it is ignored, the write fails, as it does on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().expect("it starts").into()
}

/// More than fits, whatever compresses it.
fn write_noise(home: &Home) {
    fs::create_dir(home.path("noise")).expect("a folder");
    let mut state = 1_u64;
    let mut noise = || {
        let letters = (0..16_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + (state >> 59) as u8 % 26)
        });
        letters.collect::<String>()
    };
    for number in 0..32 {
        let metadata = json!({ "namespace": "shop", "name": format!("noise-{number}") });
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "a": noise() } });
        let file = home.path(&format!("noise/{number}.json"));
        fs::write(file, map.to_string()).expect("a file");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let nested = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path.display().to_string()] });
    nested.collect()
}

#[test]
fn a_full_disk_leaves_no_backup_behind() {
    let home = Home::new();
    write_noise(&home);
    let _sandbox = Sandbox::with(&home, "--load ~/noise");
    let chosen = "--include-namespaces shop --include-resources cm";
    home.ok(&format!("backup create before {chosen} --selector none=such"));
    let before = files(&home.path("store"));

    let said = cramped(&home, &format!("backup create large {chosen}"));
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("there is no space left for it; free some, or use another folder"), "{said:?}");
    assert!(said.err.contains("nothing lists as a backup of that name"), "{said:?}");
    assert_eq!(files(&home.path("store")), before, "nothing of it is left, its claim neither");
    assert_eq!(home.ok("backup get -o name").trim(), "before");

    // With room it is made, under the same name.
    home.ok(&format!("backup create large {chosen}"));
    home.ok("backup verify large --deep");

    // A copy that does not fit is none either, and the next one is.
    let said = cramped(&home, "backup copy large --to file://~/elsewhere");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("there is no space left for it"), "{said:?}");
    assert_eq!(home.ok("backup get -o name --store file://~/elsewhere"), "");
    home.ok("backup copy large --to file://~/elsewhere");
    home.ok("backup verify large --deep --store file://~/elsewhere");
}
