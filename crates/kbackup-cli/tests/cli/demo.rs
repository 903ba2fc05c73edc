//! `kbackup demo` needs nothing, and proves what it shows.

use crate::program::Home;

#[test]
fn it_backs_up_deletes_restores_and_compares() {
    let home = Home::new();
    let shown = home.ok("demo --dir ~/demo");
    for part in ["40 objects", "all at revision", "Deleted the namespace shop: 0 of its objects are left"] {
        assert!(shown.contains(part), "\"{part}\" is not in\n{shown}");
    }
    for name in ["shop", "shop-copy"] {
        assert!(shown.contains(&format!("Restored it as {name}: ")), "{shown}");
        assert!(shown.contains(&format!("Compared {name} with the shop as it was: ")), "{shown}");
    }
    assert!(shown.contains("restored under two names, and equal"), "{shown}");
    let kept = home.json("backup get --store file://~/demo");
    assert_eq!(kept["items"].as_array().unwrap().len(), 1, "what it made is a backup like any other");
}

#[test]
fn it_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let output = home.command("demo").env("TMPDIR", &temporary).output().unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 0);
}
