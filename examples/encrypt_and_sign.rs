//! A backup that only the owner of a key can read, and that only counts because another key has signed it.

use std::error::Error;

use kbackup_core::cluster::MemoryCluster;
use kbackup_core::crypt::{Identities, Keyring, Passphrase, Protection, Recipients, SigningKey};
use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let (cluster, store, run) = (MemoryCluster::new(), MemoryStore::new(), Run::default());
    manifest::load(&cluster, shop::manifests()?, "example").await?;

    // Keys are made where secrets are kept. `kbackup keygen` does the same.
    let identity = Identities::generate();
    let signer = SigningKey::generate()?;

    // The cluster gets the public half of the one and the secret half of the other.
    let recipients =
        Recipients::of([identity.recipient()])?.and(Recipients::of_passphrase(Passphrase::new("in a safe")?));
    let protection = Protection::default().encrypt(recipients).sign(signer.clone());
    let engine = Engine::new(cluster, store.clone()).protect(protection);
    let name = "nightly".parse()?;
    let manifest = engine.backup(&name, &BackupSpec::default(), &run).await?.manifest;
    println!("{} objects, encrypted for {}", manifest.counts.objects, manifest.encryption.ok_or("encrypted")?);

    // Who has no key can list and delete backups, and not read them.
    let spec = RestoreSpec::from_backup(name);
    let stranger = Engine::new(MemoryCluster::new(), store.clone());
    let refused = stranger.plan_restore(&"stolen".parse()?, &spec, &run).await;
    println!("without a key: {}", refused.err().ok_or("nobody reads it without a key")?);

    // Either of the two opens it; both trust the signer and nobody else.
    let file = identity.file("2026-11-25T00:00:00Z");
    let with_identity = Keyring::default().identities(Identities::parse(file.as_bytes(), None)?);
    let with_passphrase = Keyring::default().passphrase(Passphrase::new("in a safe")?);
    for (name, keyring) in [("by-key", with_identity), ("by-passphrase", with_passphrase)] {
        let engine = Engine::new(MemoryCluster::new(), store.clone()).unlock(keyring.trust(signer.public()?));
        let plan = engine.plan_restore(&name.parse()?, &spec, &run).await?;
        let counts = engine.apply(&plan, &run).await?.counts;
        println!("{name}: {} created", counts.created);
        assert_eq!(counts.failed, 0);
    }
    Ok(())
}
