//! Finding the cluster, as kubectl does: a kubeconfig that is named, that of `KUBECONFIG`, `~/.kube/config`, and at last
//! the cluster that this runs in.

use std::io;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use http::header::USER_AGENT;
use kbackup_core::cluster::{ClusterError, ClusterErrorKind};
use kbackup_core::model::nearest;
use kube::Config;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::http::{Call, Http};
use crate::url::Uri;
use crate::{CallLimits, KubeCluster, error};

/// Which cluster to connect to, and how.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The kubeconfig, or several as a `PATH`-like list, to be merged. Not given: as kubectl finds it.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig. Not given: its current one.
    pub context: Option<String>,
    /// How we call ourselves; the server records it and names the manager of written fields after it.
    pub user_agent: String,
    /// The bounds of calls.
    pub limits: CallLimits,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            user_agent: concat!("kbackup/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: CallLimits::default(),
        }
    }
}

/// Why there is no connection to a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A kubeconfig cannot be read, or lacks something.
    #[error("{file} cannot be used: {why}")]
    Kubeconfig {
        /// Which one.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The kubeconfig has no such context.
    #[error("{file} has no context \"{context}\"{}", did_you_mean(context, known))]
    UnknownContext {
        /// Which kubeconfig.
        file: String,
        /// The context that was asked for.
        context: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// No context was asked for, and the kubeconfig has no current one.
    #[error("{file} sets no current context; it has {}", listed(known))]
    NoContext {
        /// Which kubeconfig.
        file: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// There is neither a kubeconfig nor a cluster around us.
    #[error("no cluster is configured: there is no kubeconfig, and this does not run in a cluster")]
    NoCluster,
    /// The server does not know who we are.
    #[error("{server} does not accept the credentials")]
    Credentials {
        /// The server's URL.
        server: String,
        /// What it said, or why there are none to send.
        source: ClusterError,
    },
    /// The server cannot be reached.
    #[error(transparent)]
    Cluster(ClusterError),
}

impl KubeCluster {
    /// Connects to the cluster that the options name, and asks the server for its version, once.
    ///
    /// # Errors
    /// [`ConnectError::Cluster`] where the server does not answer, [`ConnectError::Credentials`] where it does not take
    /// ours; the others are about the configuration.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ConnectError> {
        // Fails where a provider is installed already, which is then the application's choice.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut config = match find_kubeconfig(options)? {
            Some((file, kubeconfig)) => from_kubeconfig(&file, kubeconfig, options.context.as_deref()).await?,
            None => Config::incluster().map_err(|_| ConnectError::NoCluster)?,
        };
        tune(&mut config, options)?;
        let server = without_credentials(&config.cluster_url);
        let client = ClientBuilder::try_from(config).map_err(|error| client_error(error, &server))?.build();
        let cluster = Self::new(client, &server, options.limits.clone());
        answers(&cluster.http).await.map_err(|error| refused(error, server))?;
        Ok(cluster)
    }
}

fn refused(source: ClusterError, server: String) -> ConnectError {
    match source.kind() {
        ClusterErrorKind::Unauthenticated => ConnectError::Credentials { server, source },
        _ => ConnectError::Cluster(source),
    }
}

/// The kubeconfig and how to call it; `None` where none was asked for and there is none.
fn find_kubeconfig(options: &ConnectOptions) -> Result<Option<(String, Kubeconfig)>, ConnectError> {
    if let Some(path) = &options.kubeconfig {
        let file = format!("the kubeconfig {}", path.display());
        let kubeconfig = read_all(path).map_err(|error| kubeconfig_error(&file, &error))?;
        return Ok(Some((file, kubeconfig)));
    }
    let file = "the kubeconfig of KUBECONFIG".to_owned();
    if let Some(kubeconfig) = Kubeconfig::from_env().map_err(|error| kubeconfig_error(&file, &error))? {
        return Ok(Some((file, kubeconfig)));
    }
    let file = "the kubeconfig ~/.kube/config".to_owned();
    match Kubeconfig::read() {
        Ok(kubeconfig) => Ok(Some((file, kubeconfig))),
        Err(error) if is_missing(&error) && options.context.is_none() => Ok(None),
        Err(error) => Err(kubeconfig_error(&file, &error)),
    }
}

/// The kubeconfig at `path`, or those of a `PATH`-like list merged: as kubectl, what is missing of a list is left out.
fn read_all(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let paths: Vec<PathBuf> = std::env::split_paths(path).filter(|path| !path.as_os_str().is_empty()).collect();
    let first = match Kubeconfig::read_from(path) {
        Err(error) if is_missing(&error) && paths.len() > 1 => error,
        single => return single,
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        merged = match (merged, Kubeconfig::read_from(path)) {
            (merged, Err(error)) if is_missing(&error) => merged,
            (None, next) => Some(next?),
            (Some(merged), next) => Some(merged.merge(next?)?),
        };
    }
    merged.ok_or(first)
}

async fn from_kubeconfig(file: &str, kubeconfig: Kubeconfig, context: Option<&str>) -> Result<Config, ConnectError> {
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let asked = context.or(kubeconfig.current_context.as_deref()).filter(|context| !context.is_empty());
    let Some(asked) = asked.map(str::to_owned) else {
        return Err(ConnectError::NoContext { file: file.to_owned(), known });
    };
    if !known.contains(&asked) {
        return Err(ConnectError::UnknownContext { file: file.to_owned(), context: asked, known });
    }
    let options = KubeConfigOptions { context: Some(asked), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| kubeconfig_error(file, &error))
}

fn tune(config: &mut Config, options: &ConnectOptions) -> Result<(), ConnectError> {
    let user_agent = HeaderValue::from_str(&options.user_agent).map_err(|_| ConnectError::Kubeconfig {
        file: format!("the user agent {:?}", options.user_agent),
        why: "it has characters that a header cannot have".to_owned(),
    })?;
    config.headers.push((USER_AGENT, user_agent));
    config.connect_timeout = Some(options.limits.connect_max);
    // Both are kept per call, where it is known what is being read: an answer may be long, and a command silent.
    config.read_timeout = None;
    config.default_retry = false;
    Ok(())
}

/// Asks for the version, which everybody may read, once: what is wrong now will be wrong in three seconds.
async fn answers(http: &Http) -> Result<(), ClusterError> {
    let once = http.with_limits(CallLimits { tries_max: 1, ..http.limits().clone() });
    match once.bytes(&Call::get(Uri::new("/version".to_owned()))).await {
        Err(error) if error.kind() != ClusterErrorKind::Forbidden => Err(error),
        _ => Ok(()),
    }
}

fn client_error(error: kube::Error, server: &str) -> ConnectError {
    match error {
        // The URL of a proxy may hold a password.
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            let why = "it is neither an http, an https nor a socks5 proxy".to_owned();
            ConnectError::Kubeconfig { file: format!("the proxy to {server}"), why }
        }
        error => ConnectError::Cluster(error::from_client(error, server).error),
    }
}

fn kubeconfig_error(file: &str, error: &KubeconfigError) -> ConnectError {
    let why = match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        // The parser quotes the lines around the error, which may hold a token.
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => {
                format!("it is not the YAML of a kubeconfig (line {}, column {})", place.line(), place.column())
            }
            None => "it is not the YAML of a kubeconfig".to_owned(),
        },
        KubeconfigError::LoadClusterOfContext(cluster) => format!("it has no cluster \"{cluster}\""),
        other => other.to_string(),
    };
    ConnectError::Kubeconfig { file: file.to_owned(), why }
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.kind() == io::ErrorKind::NotFound,
        KubeconfigError::FindPath => true,
        _ => false,
    }
}

fn without_credentials(url: &http::Uri) -> String {
    let host = url.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    let text = format!("{}://{}{}", url.scheme_str().unwrap_or("https"), host.unwrap_or_default(), url.path());
    text.trim_end_matches('/').to_owned()
}

fn did_you_mean(context: &str, known: &[String]) -> String {
    match nearest(context, known.iter().map(String::as_str)).first() {
        Some(near) => format!(": did you mean \"{near}\"?"),
        None => format!("; it has {}", listed(known)),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
