//! Credentials as the AWS tools find them: the environment, `~/.aws` with its profiles, SSO and assumed roles, the token of
//! a pod's service account, those of a container, a pod identity or a machine.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

use super::options::S3Options;
use crate::cloud::{CredentialFailure, Source, reasons};

/// Credentials are renewed this long before they end, so that none ends within a request.
const MARGIN: Duration = Duration::from_secs(300);
/// Credentials without an end are read again after this time: somebody may have replaced them.
const READ_AGAIN: Duration = Duration::from_secs(600);

/// Where credentials come from, and the last ones.
#[derive(Debug)]
pub(super) struct AwsCredentials {
    provider: SharedCredentialsProvider,
    profile: Option<String>,
    source: Source,
    last: Mutex<Option<(Arc<AwsCredential>, SystemTime)>>,
}

impl AwsCredentials {
    /// The credentials that the options name, or those that the AWS tools would use here.
    pub(super) async fn find(options: &S3Options, region: &str, source: &Source) -> Self {
        let config = ProviderConfig::default().with_region(Some(Region::new(region.to_owned())));
        let named = options.profile.is_some() || options.credentials_file.is_some();
        let provider = if named {
            let mut profile = ProfileFileCredentialsProvider::builder().configure(&config);
            if let Some(name) = &options.profile {
                profile = profile.profile_name(name);
            }
            SharedCredentialsProvider::new(profile.profile_files(files(options)).build())
        } else {
            SharedCredentialsProvider::new(DefaultCredentialsChain::builder().configure(config).build().await)
        };
        let profile = named.then(|| options.profile.clone().unwrap_or_else(|| "default".to_owned()));
        source.set(profile.as_ref().map_or("the AWS chain".to_owned(), |name| format!("the profile \"{name}\"")));
        Self { provider, profile, source: source.clone(), last: Mutex::new(None) }
    }

    fn failure(&self, error: &(dyn Error + 'static)) -> CredentialFailure {
        let looked = match &self.profile {
            Some(name) => format!("the profile \"{name}\" gives no credentials"),
            None => "there are no AWS credentials in the environment, the profile, the pod or the machine".to_owned(),
        };
        let next =
            "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add profile=NAME or anonymous=true";
        CredentialFailure(format!("{looked} ({}); {next}", reasons(error)))
    }
}

#[async_trait]
impl CredentialProvider for AwsCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let now = SystemTime::now();
        let mut last = self.last.lock().await;
        if let Some((credential, until)) = &*last
            && *until > now
        {
            return Ok(Arc::clone(credential));
        }
        let found = self
            .provider
            .provide_credentials()
            .await
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(self.failure(&error)) })?;
        self.source.set(described(&found, self.profile.as_deref()));
        let until = found.expiry().map_or(now + READ_AGAIN, |end| end - MARGIN);
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *last = Some((Arc::clone(&credential), until));
        Ok(credential)
    }
}

/// The region of the options, the environment or the profile.
pub(super) async fn region(options: &S3Options) -> Option<String> {
    if options.region.is_some() {
        return options.region.clone();
    }
    if options.transport.endpoint.is_some() {
        return Some("us-east-1".to_owned());
    }
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = &options.profile {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await.map(|region| region.as_ref().to_owned())
}

fn files(options: &S3Options) -> EnvConfigFiles {
    match &options.credentials_file {
        None => EnvConfigFiles::default(),
        Some(path) => EnvConfigFiles::builder()
            .include_default_config_file(true)
            .with_file(EnvConfigFileKind::Credentials, path)
            .build(),
    }
}

/// Where credentials came from, for errors.
fn described(credentials: &Credentials, profile: Option<&str>) -> String {
    use AwsCredentialFeature::*;
    let features = credentials.get_property::<Vec<AwsCredentialFeature>>().map(Vec::as_slice).unwrap_or_default();
    let is = |wanted: &[AwsCredentialFeature]| features.iter().any(|feature| wanted.contains(feature));
    let from = if is(&[CredentialsEnvVarsStsWebIdToken, CredentialsStsAssumeRoleWebId]) {
        "the service account of this pod (AWS_ROLE_ARN)"
    } else if is(&[CredentialsEnvVars]) {
        "the environment (AWS_ACCESS_KEY_ID)"
    } else if is(&[CredentialsProfileSso, CredentialsSso]) {
        "single sign-on"
    } else if is(&[CredentialsStsAssumeRole]) {
        "an assumed role"
    } else if is(&[CredentialsProfileProcess, CredentialsProcess]) {
        "a credential process"
    } else if is(&[CredentialsHttp]) {
        "this container or its pod identity"
    } else if is(&[CredentialsImds]) {
        "this machine (IMDS)"
    } else {
        "the AWS configuration"
    };
    match profile {
        Some(name) if is(&[CredentialsProfile]) && !is(&[CredentialsStsAssumeRole]) => {
            format!("the profile \"{name}\"")
        }
        Some(name) => format!("the profile \"{name}\", by {from}"),
        None if is(&[CredentialsProfile]) => "the profile of AWS_PROFILE, or the default one".to_owned(),
        None => from.to_owned(),
    }
}
