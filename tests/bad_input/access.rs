//! The way to the cluster and to Prometheus: kubeconfig, certificates, logins, rights, servers that are none.

use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use serde_json::json;

use crate::cluster::{Cluster, Ran, Reply, run};
use crate::common::Screen;
use crate::{checked, gate, says};

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|a| (*a).to_owned()).collect()
}

/// A needed source is down: exit 3, an empty list for scripts, the reason for people.
fn is_down(ran: &Ran, reasons: &[&str]) {
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "[]\n");
    says(ran, &["a needed source is down", "hint: "]);
    says(ran, reasons);
}

#[test]
fn without_a_kubeconfig_the_file_is_named_and_what_to_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".kube").join("config").display().to_string();
    is_down(&run(&folder, words(&["propose", "-o", "json"])), &[&file, "--kubeconfig FILE"]);
    let ran = run(&folder, words(&["check", "-o", "json"]));
    assert_eq!(ran.code, Some(1));
    let lines = checked(&ran, "kubeconfig");
    assert!(lines[0][0] == "fail" && lines[0][1].contains(&file), "{lines:?}");
    assert!(lines[0][2].starts_with("pass --kubeconfig FILE or set KUBECONFIG"), "{lines:?}");
    assert_eq!(checked(&ran, "slos")[0][1], "not known: Prometheus has told nothing");
}

#[test]
fn without_a_kubeconfig_the_screen_starts_and_says_so() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let home = folder.path().display().to_string();
    let environment = [("HOME", home.as_str()), ("KUBECONFIG", "")];
    let mut screen = Screen::start_in(120, 40, &[], folder, &environment);
    let text = screen.wait("no kubeconfig");
    assert!(text.contains("kube down") && text.contains("no context"), "{text}");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    screen.assert_restored();
}

#[test]
fn a_context_that_does_not_exist_is_answered_with_those_that_do() {
    let cluster = Cluster::burning();
    let asked = ["propose", "-o", "json", "--context", "demo-prod-\u{1b}[31mus"];
    is_down(
        &cluster.run(&asked),
        &["no context \"demo-prod-<1b>[31mus\"", "--context with one of: demo-prod-eu"],
    );
}

#[test]
fn a_kubeconfig_that_is_no_yaml_is_named() {
    let cluster = Cluster::burning();
    std::fs::write(cluster.kubeconfig(), "clusters: [\n").expect("a file");
    let file = cluster.kubeconfig().display().to_string();
    is_down(&cluster.run(&["propose", "-o", "json"]), &[&file, "kubectl config view"]);
}

fn pem(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

fn key() -> String {
    format!("{}/tests/fixtures/tls/leaf.key", env!("CARGO_MANIFEST_DIR"))
}

/// A server that presents `certificate`, wants a client's, and answers nothing. Its address.
fn tls_server(certificate: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = vec![CertificateDer::from_pem_file(pem(certificate)).expect("a certificate")];
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem("ca")).expect("a certificate")).expect("an authority");
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key()).expect("a key"))
        .expect("a server");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (Ok(mut socket), Ok(mut connection)) = (socket, ServerConnection::new(Arc::clone(&config)))
            else {
                return;
            };
            // The refusal is what the test is about; it is written by the same call that fails.
            let _ = std::io::Read::read(&mut Stream::new(&mut connection, &mut socket), &mut [0]);
        }
    });
    format!("https://{address}")
}

/// `propose` on a TLS server with this certificate, with the client's certificate and the authority that are given.
fn over_tls(server: &str, authority: &str, client: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": tls_server(server), "certificate-authority": pem(authority)}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"client-certificate": pem(client), "client-key": key()}}],
    });
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, config.to_string()).expect("a file");
    run(&folder, words(&["propose", "-o", "json", "--kubeconfig", &file.display().to_string()]))
}

#[test]
fn an_expired_certificate_of_the_server_is_told_from_one_that_nobody_knows() {
    is_down(
        &over_tls("server-expired", "ca", "client"),
        &["https://127.0.0.1:", "expired", "clock of this host"],
    );
    is_down(
        &over_tls("server", "other-ca", "client"),
        &["https://127.0.0.1:", "UnknownIssuer", "certificate-authority"],
    );
}

#[test]
fn our_own_expired_certificate_is_called_ours() {
    let ran = over_tls("server", "ca", "client-expired");
    is_down(&ran, &["does not accept our certificate", "get a new kubeconfig"]);
    assert!(ran.err.to_lowercase().contains("expired"), "{}", ran.err);
}

#[test]
fn an_expired_login_and_a_server_that_is_none_are_told_apart() {
    let cluster = Cluster::burning();
    let server = cluster.kubernetes.url.clone();
    for (reply, reasons) in [
        (Reply::status(401, "Unauthorized", "Unauthorized"), ["(401)", "log in again"]),
        (Reply::html(200, "<html>\u{1b}[2J</html>"), ["not Kubernetes", "proxy in between"]),
        (Reply::html(503, "<html>\u{1b}[2J</html>"), ["503: <html><1b>[2J", "overloaded or starting"]),
    ] {
        let instead = reply.clone();
        cluster.kubernetes.instead(move |_| Some(instead.clone()));
        let ran = cluster.run(&["propose", "-o", "json"]);
        is_down(&ran, &reasons);
        assert!(reasons[0].contains("503") || ran.err.contains(&server), "{}", ran.err);
    }
}

fn forbid(cluster: &Cluster, plurals: &'static [&'static str]) {
    cluster.kubernetes.instead(move |asked| {
        let what = &asked.plural;
        let message = format!("{what} is forbidden: User \"mara\" cannot list resource \"{what}\"");
        plurals.contains(&what.as_str()).then(|| Reply::status(403, "Forbidden", &message))
    });
}

#[test]
fn a_forbidden_kind_is_one_named_source_that_is_down_and_the_rest_works() {
    let cluster = Cluster::burning();
    for (kind, api, only_us) in [
        ("nodes", "[\"\"]", "nodes not readable, pods fine"),
        ("pods", "[\"\"]", "pods not readable, so our nodes are not known"),
        ("events", "[\"\"]", "nodes fine"),
        ("services", "[\"\"]", "nodes fine"),
        ("poddisruptionbudgets", "[\"policy\"]", "nodes fine"),
    ] {
        forbid(&cluster, Box::leak(Box::new([kind])));
        let ran = cluster.run(&["propose"]);
        assert_eq!(ran.code, Some(10), "{kind}: {}{}", ran.out, ran.err);
        assert!(gate(&ran, "ONLY US").1.ends_with(only_us), "{kind}: {}", ran.out);
        let check = cluster.run(&["check", "-o", "json"]);
        let lines = checked(&check, kind);
        assert_eq!(lines.len(), 1, "{kind}: {}", check.out);
        assert!(lines[0][1].starts_with(&format!("may not list {kind}")), "{lines:?}");
        assert!(lines[0][2].contains(&format!("apiGroups {api}, resources [\"{kind}\"]")), "{lines:?}");
    }
}

#[test]
fn what_may_not_be_read_makes_reversible_unknown_and_never_pass() {
    let cluster = Cluster::burning();
    forbid(&cluster, &["configmaps", "secrets"]);
    let ran = cluster.run(&["propose"]);
    assert_eq!(
        gate(&ran, "REVERSIBLE"),
        ("unknown", "ConfigMaps not readable: whether they changed since is not known")
    );
    assert!(gate(&ran, "TARGET GOOD").1.contains("; ConfigMaps not readable; "), "{}", ran.out);
    // The template refers to no Secret: what is not needed is not missed.
    forbid(&cluster, &["secrets"]);
    let ran = cluster.run(&["propose"]);
    assert_eq!(gate(&ran, "REVERSIBLE").0, "pass");
}

#[test]
fn a_config_map_or_a_right_that_cannot_be_asked_for_once_does_not_take_its_kind_down() {
    let cluster = Cluster::burning();
    cluster.kubernetes.instead(|asked| {
        let one = asked.single && asked.plural == "configmaps";
        let right = asked.path.ends_with("/selfsubjectaccessreviews");
        (one || right).then(|| Reply::status(500, "InternalError", "etcd is away"))
    });
    let mut screen = cluster.screen(160, 45, &[]);
    let text = screen.wait("1 gate open");
    assert!(!text.contains("configmaps down") && !text.contains("rights down"), "{text}");
    screen.press("l");
    screen.wait("access review: ");
    let text = screen.wait("ConfigMap shop/gateway-config");
    assert!(text.contains("etcd is away"), "{text}");
}

#[test]
fn without_replicasets_nothing_can_be_proposed_and_that_is_said() {
    let cluster = Cluster::burning();
    forbid(&cluster, &["replicasets"]);
    is_down(
        &cluster.run(&["propose", "-o", "json"]),
        &[
            "may not list replicasets.apps at cluster scope",
            "apiGroups [\"apps\"], resources [\"replicasets\"]",
        ],
    );
}

#[test]
fn where_only_a_namespace_may_be_listed_the_work_goes_on_there() {
    let cluster = Cluster::burning();
    cluster.kubernetes.instead(|asked| {
        let wide = !asked.plural.is_empty() && !asked.single && !asked.path.contains("/namespaces/");
        let review = asked.path.contains("selfsubject");
        (wide && !review).then(|| Reply::status(403, "Forbidden", "forbidden at the cluster scope"))
    });
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}{}", ran.out, ran.err);
    let lines = checked(&cluster.run(&["check", "-o", "json"]), "scope");
    assert!(lines[0][0] == "warn" && lines[0][1].starts_with("only namespace shop"), "{lines:?}");
    let mut screen = cluster.screen(160, 40, &[]);
    screen.wait("demo-prod-eu / shop only");
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

#[test]
fn where_everything_is_forbidden_the_exit_code_is_3_and_the_screen_lives() {
    let cluster = Cluster::burning();
    cluster.kubernetes.instead(|_| Some(Reply::status(403, "Forbidden", "no \u{1b}[2Jway")));
    is_down(&cluster.run(&["propose", "-o", "json"]), &["no <1b>[2Jway", "ask for a Role"]);
    let mut screen = cluster.screen(120, 40, &[]);
    screen.wait("kube down");
    // Mended while the screen is open: no restart is needed.
    cluster.kubernetes.honest();
    screen.wait("api-gateway");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    screen.assert_restored();
}

#[test]
fn a_forbidden_kind_is_named_on_the_screen_beside_the_card() {
    let cluster = Cluster::burning();
    forbid(&cluster, &["nodes", "secrets"]);
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    let text = screen.wait("forbidden nodes, secrets");
    assert!(text.contains("may not list nodes"), "{text}");
    screen.press("g");
    screen.wait("nodes not readable, pods fine");
}

#[test]
fn a_prometheus_that_is_none_is_told_from_one_that_is_down() {
    let cluster = Cluster::burning();
    let at = cluster.prometheus.url.clone();
    let garbage = "{\"status\":\"success\",\"data\":";
    let odd = json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": "x"}]}});
    for (reply, reasons) in [
        (Reply::html(200, "<html>\u{1b}[2J</html>"), ["an HTML page (200)", "not behind a login page"]),
        (Reply::html(503, "<html>\u{1b}[2J</html>"), ["an HTML page (503)", "down or overloaded"]),
        (
            Reply::json(503, &json!({"status": "error", "errorType": "unavailable", "error": "\u{1b}[2J"})),
            ["503", "hint: "],
        ),
        (Reply::Body(200, "application/json", garbage.into()), ["not as expected", "is it a Prometheus?"]),
        (Reply::json(200, &odd), ["data.result[0].value", "is it a Prometheus?"]),
        (Reply::html(302, ""), ["redirects (302);", "give the final URL"]),
    ] {
        let instead = reply.clone();
        cluster.prometheus.instead(move |_| Some(instead.clone()));
        let ran = cluster.run(&["propose", "-o", "json"]);
        is_down(&ran, &reasons);
        assert!(ran.err.contains(&at), "{}", ran.err);
    }
}

#[test]
fn a_prometheus_that_nobody_answers_for_is_down_with_its_address() {
    let cluster = Cluster::burning();
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let url = format!("http://{free}");
    let ran = cluster.run_with(&url, &["propose", "-o", "json"]);
    is_down(&ran, &["cannot reach Prometheus at", &url, "--prometheus URL"]);
    let lines = checked(&cluster.run_with(&url, &["check", "-o", "json"]), "prometheus");
    assert!(lines[0][0] == "fail" && lines[0][1].contains(&url), "{lines:?}");
    let ran = cluster.run_with("ftp://x", &["propose", "-o", "json"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}

#[test]
fn a_prometheus_that_hangs_is_given_up_and_the_cockpit_stays_usable() {
    let cluster = Cluster::burning();
    cluster.prometheus.instead(|_| Some(Reply::Hang));
    let mut screen = cluster.screen(120, 40, &[]);
    screen.wait("demo-prod-eu");
    // Keys are answered although nobody answers us.
    screen.press("?");
    screen.wait("this help");
    screen.press("?");
    screen.wait_gone("this help");
    screen.wait("prom down");
    let ran = cluster.run(&["propose", "-o", "json"]);
    is_down(&ran, &["no answer from", &cluster.prometheus.url]);
    screen.press("q");
    assert_eq!(screen.end(), 0);
}
