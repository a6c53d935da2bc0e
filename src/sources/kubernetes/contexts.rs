//! The contexts of the kubeconfig files, for a person to choose from. Reads files and nothing else: no plugin runs, no
//! server is asked, and no credential is looked at.

use std::path::PathBuf;

use kube::config::Kubeconfig;

use super::connect::{blocking, read_files};
use super::error::ConnectError;
use crate::domain::clean::Clean;

/// One context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// Its name as `--context` takes it.
    pub name: String,
    /// URL of its API server; empty where the cluster is not in the files.
    pub server: Clean,
    /// Name of its user.
    pub user: Clean,
    /// Its namespace, `default` where it has none.
    pub namespace: Clean,
    /// It is the current one.
    pub current: bool,
}

/// All contexts in the order of the files, the current one first.
///
/// # Errors
/// When there is no file, or one of them cannot be read as a kubeconfig.
pub async fn contexts(kubeconfig: &[PathBuf]) -> Result<Vec<Context>, ConnectError> {
    let paths = kubeconfig.to_vec();
    let (merged, _) = blocking(move || read_files(&paths))
        .await
        .unwrap_or_else(|| Err(ConnectError::NoKubeconfig { tried: kubeconfig.to_vec() }))?;
    let mut contexts: Vec<Context> = merged.contexts.iter().map(|named| one(&merged, &named.name)).collect();
    contexts.sort_by_key(|context| !context.current);
    Ok(contexts)
}

fn one(merged: &Kubeconfig, name: &str) -> Context {
    let context = merged.contexts.iter().find(|c| c.name == name).and_then(|c| c.context.as_ref());
    let cluster = context.and_then(|context| merged.clusters.iter().find(|c| c.name == context.cluster));
    let server = cluster.and_then(|c| c.cluster.as_ref()?.server.as_deref()).unwrap_or_default();
    let namespace = context.and_then(|c| c.namespace.as_deref()).filter(|n| !n.is_empty());
    Context {
        name: name.to_owned(),
        server: Clean::new(server),
        user: Clean::new(context.and_then(|c| c.user.as_deref()).unwrap_or_default()),
        namespace: Clean::new(namespace.unwrap_or("default")),
        current: merged.current_context.as_deref() == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn contexts_of_several_files_are_merged_and_the_current_one_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let first = file(
            "one",
            "apiVersion: v1\nkind: Config\ncurrent-context: b\nclusters:\n- name: c\n  cluster: {server: 'https://c.example:6443'}\n\
             contexts:\n- name: a\n  context: {cluster: c, user: u, namespace: shop}\n- name: \"b\"\n  context: {cluster: gone}\n",
        );
        let second = file(
            "two",
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: z\n  context: {cluster: c}\n",
        );
        let found = contexts(&[first, second, folder.path().join("none")]).await.expect("contexts");
        let told: Vec<String> = found
            .iter()
            .map(|c| format!("{} {} {} {} {}", c.name, c.server, c.user, c.namespace, c.current))
            .collect();
        assert_eq!(
            told,
            [
                "b   default true",
                "a https://c.example:6443 u shop false",
                "z https://c.example:6443  default false"
            ]
        );
    }

    #[tokio::test]
    async fn a_file_that_is_no_kubeconfig_is_named_with_the_place_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config");
        std::fs::write(&path, "apiVersion: v1\nkind: Config\ncontexts:\n- name: [\n").expect("written");
        let error = contexts(&[path]).await.expect_err("no YAML").to_string();
        println!("{error}");
        assert!(error.contains("config") && error.contains("line 4"), "{error}");
    }
}
