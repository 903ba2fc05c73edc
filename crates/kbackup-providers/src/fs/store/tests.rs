//! What holds for folders beyond the suite of all stores.

use std::fs;

use futures::TryStreamExt;
use kbackup_core::conformance;
use kbackup_core::store::ObjectStoreExt;

use super::*;

fn folder() -> (tempfile::TempDir, FolderStore) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = FolderStore::open(folder.path().join("srv/my backups")).expect("a path that can be a folder");
    (folder, store)
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

async fn keys(store: &FolderStore) -> Vec<String> {
    let listed: Vec<Stored> = store.list(&Prefix::root()).try_collect().await.expect("a list");
    listed.into_iter().map(|stored| stored.key.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_contract() {
    let (_folder, store) = folder();
    conformance::store::all(Arc::new(store.clone())).await;
    let temporary = fs::read_dir(store.root.temp()).expect("it was made").count();
    assert_eq!(temporary, 0, "the suite left temporary files behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_many_files_are_no_trouble() {
    let (_folder, store) = folder();
    conformance::store::heavy(Arc::new(store)).await;
}

#[tokio::test]
async fn only_a_write_makes_the_folder() {
    let (folder, store) = folder();
    assert_eq!(keys(&store).await, [""; 0]);
    assert_eq!(store.list_children(&Prefix::root()).await.expect("children"), Children::default());
    store.delete(&[key("a")]).await.expect("a deletion of nothing");
    assert!(!folder.path().join("srv").exists());
    store.put(&key("a/b"), "x".into(), PutMode::Create).await.expect("a write");
    assert_eq!(fs::read(folder.path().join("srv/my backups/a/b")).expect("a file"), b"x");
    assert!(store.to_string().ends_with("/srv/my%20backups"), "{store}");
}

#[test]
fn what_cannot_be_a_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let below = file.path().join("below");
    for (path, why) in [(Path::new("srv"), "relative"), (file.path(), "is a file"), (&below, "is a file")] {
        let error = FolderStore::open(path).expect_err("it cannot be a folder");
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_name_is_an_object_or_a_folder() {
    let (_folder, store) = folder();
    store.put(&key("a/b"), "x".into(), PutMode::Create).await.expect("a write");
    for mode in [PutMode::Create, PutMode::Overwrite] {
        for taken in ["a", "a/b/c"] {
            let error = store.put(&key(taken), "y".into(), mode).await.expect_err("one name for two things");
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        }
    }
    store.delete(&[key("a"), key("a/b/c")]).await.expect("neither is an object");
    assert_eq!(keys(&store).await, ["a/b"]);
}

#[tokio::test]
async fn an_empty_folder_is_nothing() {
    let (_folder, store) = folder();
    fs::create_dir_all(store.path().join("left/behind")).expect("folders");
    fs::create_dir_all(store.path().join("lost+found")).expect("a folder");
    assert_eq!(store.list_children(&Prefix::root()).await.expect("children"), Children::default());
    for mode in [PutMode::Create, PutMode::Overwrite] {
        store.put(&key("left/behind"), "x".into(), mode).await.expect("an empty folder makes room");
        assert_eq!(keys(&store).await, ["left/behind"]);
        store.delete(&[key("left/behind")]).await.expect("a deletion");
        assert!(!store.path().join("left").exists(), "empty folders are removed");
        fs::create_dir_all(store.path().join("left/behind")).expect("folders");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    let (folder, store) = folder();
    let outside = folder.path().join("outside");
    fs::create_dir_all(&outside).expect("a folder");
    fs::write(outside.join("secret"), "secret").expect("a file");
    store.put(&key("a"), "x".into(), PutMode::Create).await.expect("a write");
    std::os::unix::fs::symlink(&outside, store.path().join("out")).expect("a link");
    assert_eq!(keys(&store).await, ["a"]);
    let results = [
        store.get_bytes(&key("out/secret"), 100).await.err(),
        store.head(&key("out/secret")).await.err(),
        store.put(&key("out/new"), "x".into(), PutMode::Create).await.err(),
        store.upload(&key("out/new"), PutMode::Create).await.err(),
        store.delete(&[key("out/secret")]).await.err(),
        store.list_children(&"out".parse().expect("a prefix")).await.err(),
    ];
    for error in results {
        assert_eq!(error.expect("no key leads out of the root").kind(), StoreErrorKind::Invalid);
    }
    assert_eq!(fs::read_dir(&outside).expect("the folder").count(), 1, "nothing outside was touched");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = folder();
    store.put(&key("a/b"), "x".into(), PutMode::Create).await.expect("a write");
    for (path, mode) in [("", 0o700), ("a", 0o700), ("a/b", 0o600)] {
        let found = fs::metadata(store.path().join(path)).expect("it was made").permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_damaged() {
    let (_folder, store) = folder();
    store.put(&key("a"), vec![1; 1 << 20].into(), PutMode::Create).await.expect("a write");
    let download = store.get(&key("a"), None).await.expect("it was written");
    let file = fs::OpenOptions::new().write(true).open(store.path().join("a")).expect("the file");
    file.set_len(1_000).expect("it is cut");
    let error = download.body.try_collect::<Vec<Bytes>>().await.expect_err("the body is short");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
}
