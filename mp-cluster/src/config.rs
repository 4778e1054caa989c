//! Where the cluster is, and how it is reached: from the environment, or from a builder.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use async_nats::ServerAddr;

use crate::error::ClusterError;

/// The environment variables, which clients and agents share.
pub(crate) const ADDRESS: &str = "MP_CLUSTER";
pub(crate) const TOKEN: &str = "MP_CLUSTER_TOKEN";
pub(crate) const NKEY: &str = "MP_CLUSTER_NKEY";
pub(crate) const SECRET: &str = "MP_CLUSTER_SECRET";
pub(crate) const CA: &str = "MP_CLUSTER_CA";
pub(crate) const CERTIFICATE: &str = "MP_CLUSTER_CERT";
pub(crate) const KEY: &str = "MP_CLUSTER_KEY";
pub(crate) const LEASE: &str = "MP_CLUSTER_LEASE";
pub(crate) const PATIENCE: &str = "MP_CLUSTER_PATIENCE";
pub(crate) const REPLICAS: &str = "MP_CLUSTER_REPLICAS";
pub(crate) const WORKERS: &str = "MP_WORKERS";
pub(crate) const INSIGHTS: &str = "MP_CLUSTER_INSIGHTS";

/// What is known of the cluster.
#[derive(Clone)]
pub(crate) struct Config {
    /// As they were given, with what may be secret in them.
    pub(crate) servers: Vec<ServerAddr>,
    pub(crate) credentials: Credentials,
    /// What the seals of messages are made with.
    pub(crate) secret: Option<String>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// How long an agent may be silent until its tasks go to others.
    pub(crate) lease: Duration,
    /// How long a client waits for a server, or for an agent of its build.
    pub(crate) patience: Duration,
    /// How many servers keep each message.
    pub(crate) replicas: usize,
    /// How many agents a task may cost.
    pub(crate) attempts: u32,
}

/// How a process shows to the server that it belongs there.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    Token(String),
    Password(String, String),
    /// The seed of the key.
    Nkey(String),
}

impl Config {
    pub(crate) fn new(address: &str) -> Result<Self, ClusterError> {
        let parse = |server: &str| {
            ServerAddr::from_str(server.trim()).map_err(|error| ClusterError::Setting {
                name: ADDRESS,
                reason: format!("the address of a server cannot be read: {error}"),
            })
        };
        let servers = address.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
        let credentials = credentials_in(&servers);
        Ok(Self {
            servers,
            credentials,
            secret: None,
            ca: None,
            certificate: None,
            lease: Duration::from_secs(10),
            patience: Duration::from_secs(60),
            replicas: 1,
            attempts: 3,
        })
    }

    /// What the environment says.
    pub(crate) fn from_env() -> Result<Self, ClusterError> {
        let address = variable(ADDRESS).ok_or_else(|| ClusterError::Setting {
            name: ADDRESS,
            reason: "it is not set: it says where the servers are, as `tls://host:4222`".into(),
        })?;
        let mut config = Self::new(&address)?;
        if let Some(token) = variable(TOKEN) {
            config.credentials = Credentials::Token(token);
        }
        if let Some(seed) = variable(NKEY) {
            config.credentials = Credentials::Nkey(seed_of(seed)?);
        }
        config.secret = variable(SECRET);
        config.ca = variable(CA).map(PathBuf::from);
        config.certificate = match (variable(CERTIFICATE), variable(KEY)) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => {
                let reason = format!("it needs {KEY} beside it, and the other way round");
                return Err(ClusterError::Setting { name: CERTIFICATE, reason });
            }
        };
        let seconds = |name| number::<f64>(name, |&seconds| seconds > 0.0 && seconds < 1e9);
        if let Some(lease) = seconds(LEASE)? {
            config.lease = Duration::from_secs_f64(lease);
        }
        if let Some(patience) = seconds(PATIENCE)? {
            config.patience = Duration::from_secs_f64(patience);
        }
        if let Some(replicas) = number(REPLICAS, |replicas| (1..=5).contains(replicas))? {
            config.replicas = replicas;
        }
        Ok(config)
    }

    /// What the seals are made with: the secret, or what is shared with the server.
    pub(crate) fn sealing_secret(&self) -> Result<Vec<u8>, ClusterError> {
        let secret = match (&self.secret, &self.credentials) {
            (Some(secret), _) => secret,
            (None, Credentials::Token(shared) | Credentials::Password(_, shared)) => shared,
            (None, Credentials::Nkey(seed)) => seed,
            (None, Credentials::None) => {
                let reason = "functions are called only for those who know a secret: set it, or \
                              give the server a token (MP_CLUSTER_TOKEN)";
                return Err(ClusterError::Setting { name: SECRET, reason: reason.into() });
            }
        };
        if secret.is_empty() {
            let reason = "an empty secret is none".into();
            return Err(ClusterError::Setting { name: SECRET, reason });
        }
        Ok(secret.as_bytes().to_vec())
    }

    /// Refuses to talk in plain text to other machines.
    pub(crate) fn check_encryption(&self) -> Result<(), ClusterError> {
        let is_plain = |server: &&ServerAddr| !server.tls_required() && !is_loopback(server.host());
        match self.servers.iter().find(is_plain) {
            Some(server) => Err(ClusterError::Plain { host: server.host().into() }),
            None => Ok(()),
        }
    }

    /// The servers, without what may be secret in their addresses.
    pub(crate) fn server_names(&self) -> String {
        let name = |server: &ServerAddr| format!("{}:{}", server.host(), server.port());
        self.servers.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("servers", &self.server_names()).finish_non_exhaustive()
    }
}

/// Text that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A number from the environment, if it is set.
pub(crate) fn number<N: FromStr>(
    name: &'static str,
    is_right: impl Fn(&N) -> bool,
) -> Result<Option<N>, ClusterError> {
    let Some(text) = variable(name) else { return Ok(None) };
    let number = text.parse().ok().filter(is_right);
    let reason = || format!("`{text}` is not a number that can be used here");
    number.map(Some).ok_or_else(|| ClusterError::Setting { name, reason: reason() })
}

fn credentials_in(servers: &[ServerAddr]) -> Credentials {
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match named {
        Some((user, Some(password))) => Credentials::Password(user.into(), password.into()),
        Some((token, None)) if !token.is_empty() => Credentials::Token(token.into()),
        _ => Credentials::None,
    }
}

/// A seed, or the content of the file that has it.
fn seed_of(seed_or_path: String) -> Result<String, ClusterError> {
    if seed_or_path.starts_with('S') && !seed_or_path.contains('/') {
        return Ok(seed_or_path);
    }
    let text = std::fs::read_to_string(&seed_or_path)
        .map_err(ClusterError::system("read the file of MP_CLUSTER_NKEY"))?;
    Ok(text.trim().to_owned())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Config, Credentials};
    use crate::error::ClusterError;

    #[test]
    fn only_this_machine_is_spoken_to_in_plain_text() {
        for address in ["nats://localhost:4222", "127.0.0.1", "nats://[::1]", "tls://far.example"] {
            Config::new(address).unwrap().check_encryption().unwrap();
        }
        for address in ["nats://far.example", "10.0.0.1:4222", "localhost,far.example"] {
            let refused = Config::new(address).unwrap().check_encryption();
            assert!(matches!(refused, Err(ClusterError::Plain { .. })), "{address}: {refused:?}");
        }
    }

    #[test]
    fn an_address_may_have_a_token_or_a_password_and_does_not_show_it() {
        let token = Config::new("nats://sesame@localhost").unwrap();
        assert!(matches!(&token.credentials, Credentials::Token(token) if token == "sesame"));
        let password = Config::new("nats://ali:sesame@localhost").unwrap();
        assert!(matches!(&password.credentials, Credentials::Password(user, _) if user == "ali"));
        for config in [token, password] {
            assert!(!format!("{config:?}").contains("sesame"));
            assert_eq!(config.sealing_secret().unwrap(), b"sesame");
        }
        assert!(Config::new("localhost").unwrap().sealing_secret().is_err());
    }
}
