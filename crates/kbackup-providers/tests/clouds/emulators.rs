//! The emulators that the environment names, with a bucket of its own for each test.

use std::env;
use std::io::Write;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::NamedTempFile;
use uuid::Uuid;

/// Azurite's account, and its key that everybody knows.
pub(crate) const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A bucket of an emulator.
pub(crate) struct Bucket {
    pub(crate) endpoint: String,
    pub(crate) name: String,
    /// Holds the credentials, as long as the test runs.
    pub(crate) credentials: NamedTempFile,
}

impl Bucket {
    /// A new bucket on moto; `None` where there is no moto.
    pub(crate) async fn on_moto() -> Option<Self> {
        Self::on_s3(false).await
    }

    /// A new bucket on moto that can lock what is in it.
    pub(crate) async fn with_locks_on_moto() -> Option<Self> {
        Self::on_s3(true).await
    }

    async fn on_s3(locks: bool) -> Option<Self> {
        let endpoint = emulator("KBACKUP_TEST_MOTO", "moto")?;
        let name = format!("kbackup-{}", Uuid::new_v4());
        let request = reqwest::Client::new().put(format!("{endpoint}/{name}"));
        let made = request
            .header("x-amz-bucket-object-lock-enabled", locks.to_string())
            .send()
            .await
            .expect("the emulator answers");
        assert!(made.status().is_success(), "no bucket on moto: {}", made.status());
        Some(Self { endpoint, name, credentials: aws_credentials() })
    }

    /// A new container on azurite; `None` where there is no azurite.
    pub(crate) async fn on_azurite() -> Option<Self> {
        let endpoint = emulator("KBACKUP_TEST_AZURITE", "azurite")?;
        let name = format!("kbackup-{}", Uuid::new_v4());
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let signed = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-12-02\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).expect("a key"));
        let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let request = reqwest::Client::new().put(format!("{endpoint}/{ACCOUNT}/{name}?restype=container"));
        let request =
            request.header("x-ms-date", date).header("x-ms-version", "2021-12-02").header("content-length", "0");
        let made = request.header("authorization", format!("SharedKey {ACCOUNT}:{signature}")).send().await;
        let made = made.expect("the emulator answers");
        assert!(made.status().is_success(), "no container on azurite: {}", made.status());
        Some(Self { endpoint, name, credentials: file(KEY) })
    }

    /// Its URL as an S3 store.
    pub(crate) fn s3(&self, prefix: &str, options: &str) -> String {
        let (name, endpoint, file) = (&self.name, &self.endpoint, self.credentials.path().display());
        format!("s3://{name}/{prefix}?endpoint={endpoint}&profile=test&credentials-file={file}{options}")
    }

    /// Its URL as an Azure store.
    pub(crate) fn az(&self, prefix: &str, options: &str) -> String {
        let (name, endpoint, file) = (&self.name, &self.endpoint, self.credentials.path().display());
        format!("az://{name}/{prefix}?endpoint={endpoint}/{ACCOUNT}&account={ACCOUNT}&key-file={file}{options}")
    }
}

/// The credentials of a profile `test`.
pub(crate) fn aws_credentials() -> NamedTempFile {
    file("[test]\naws_access_key_id = kbackup-test\naws_secret_access_key = kbackup-test-secret\n")
}

/// A file with this text.
pub(crate) fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("a write");
    file
}

/// The address of an emulator. What can't run must not look green where everything is required.
fn emulator(variable: &str, what: &str) -> Option<String> {
    match env::var(variable) {
        Ok(address) if !address.is_empty() => Some(address.trim_end_matches('/').to_owned()),
        _ => {
            let required = env::var_os("KBACKUP_TEST_REQUIRE").is_some();
            assert!(!required, "{variable} must name the address of {what}: KBACKUP_TEST_REQUIRE is set");
            eprintln!("skipped: {variable} does not name the address of {what}");
            None
        }
    }
}
