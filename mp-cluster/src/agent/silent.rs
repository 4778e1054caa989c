//! Clients that have ended without a word: what runs for them is stopped, and what the servers keep
//! of them is removed.
//!
//! A client says every second that it is there. Who is silent while the servers can be heard is
//! gone. If it is there after all, it finds that the servers have nothing of it, and sends again
//! what has no result.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::TryStreamExt;

use super::{Agent, News};
use crate::error::ClusterError;
use crate::link::Link;
use crate::message::ClientId;
use crate::values;

/// Who has said nothing for so long does not want its results.
const SILENCE: Duration = Duration::from_secs(30);

impl Agent {
    pub(super) fn is_silent(&self, client: ClientId) -> bool {
        let heard = self.clients.get(&client).copied().unwrap_or(self.began).max(self.began);
        heard.elapsed() > SILENCE || self.gone.contains(&client)
    }

    /// Stops what runs for clients that are gone, and looks what else there is of them.
    pub(super) async fn look_for_silent(&mut self) {
        if !self.link.is_connected() {
            return;
        }
        let silent = self.held.iter().filter(|(_, held)| self.is_silent(held.client));
        let silent = silent.map(|(&key, _)| key).collect();
        self.drop_chunks(silent, true).await;
        let (link, news) = (self.link.clone(), self.news.clone());
        tokio::spawn(async move {
            if let Ok(clients) = link.clients().await {
                let _ = news.send(News::Clients(clients));
            }
        });
    }

    /// The servers keep something of these clients. One that is gone is so at two looks in turn:
    /// one that has just come may not have been heard yet.
    pub(super) fn bury(&mut self, clients: HashSet<ClientId>) {
        let silent: HashSet<ClientId> =
            clients.into_iter().filter(|&client| self.is_silent(client)).collect();
        for &client in silent.intersection(&self.silent) {
            let link = self.link.clone();
            tokio::spawn(async move { link.remove_client(client).await });
        }
        self.silent = silent;
    }
}

impl Link {
    /// The clients of which the servers keep something.
    async fn clients(&self) -> Result<HashSet<ClientId>, ClusterError> {
        let fails = || ClusterError::engine("list clients");
        let mut clients = HashSet::new();
        let streams = [
            (self.tasks().await?, self.names.all_tasks()),
            (self.results().await?, self.names.all_results()),
        ];
        for (stream, all) in streams {
            let mut subjects = stream.info_with_subjects(all).await.map_err(fails())?;
            while let Some((subject, _)) = subjects.try_next().await.map_err(fails())? {
                clients.extend(subject.rsplit('.').next().and_then(ClientId::parse));
            }
        }
        let stored = self.stored().await?;
        clients.extend(stored.iter().filter_map(|name| values::client_of(name)));
        Ok(clients)
    }

    /// Removes all that the servers keep of a client.
    async fn remove_client(&self, client: ClientId) {
        if let Ok(tasks) = self.tasks().await {
            self.purge(&tasks, self.names.all_tasks_of(client), None).await;
        }
        if let Ok(results) = self.results().await {
            self.purge(&results, self.names.results_of(client), None).await;
        }
        for name in self.stored().await.unwrap_or_default() {
            if values::client_of(&name) == Some(client) {
                self.remove(&name).await;
            }
        }
    }
}
