//! Redaction as a table: what carries a canary, and what of the text must stay; then the same by chance, and texts that
//! must come back as they are. All secrets are made up.

use goaround::domain::redact::{self, Label};
use proptest::prelude::*;

/// Stands in each row for `{c}`.
const CANARY: &str = "Zx9canary7Q";

/// A text with `{c}`, and what must be left of it.
const ROWS: &[(&str, &[&str])] = &[
    // Environment and command lines.
    ("DB_PASSWORD={c}", &["DB_PASSWORD=<redacted: password>"]),
    ("PGPASSWORD={c} psql -h db -U app", &["PGPASSWORD=<", " psql -h db -U app"]),
    ("export API_KEY={c}; ./run", &["export API_KEY=<", "; ./run"]),
    ("DB_PASSWORD=\"{c}\" DB_HOST=db", &["=\"<", "\" DB_HOST=db"]),
    ("SECRET_KEY_BASE={c}\nRAILS_ENV=production", &["RAILS_ENV=production"]),
    ("PASSWORD_2={c}", &["PASSWORD_2="]),
    ("PWD={c}", &["PWD="]),
    ("mysqld --password {c} --port 3306", &["--password <", " --port 3306"]),
    ("tool --token={c} --verbose", &["--token=<", " --verbose"]),
    ("tool -password {c} -v", &[" -v"]),
    (
        "args: [\"--api-key\", \"{c}\", \"--region\", \"eu\"]",
        &["\"--api-key\", \"<", "\"--region\", \"eu\"]"],
    ),
    ("args:\n- --client-secret\n- {c}\n- --region\n- eu", &["- --client-secret\n- <", "\n- --region\n- eu"]),
    ("curl -H 'Authorization: Bearer {c}' https://api/v1", &["Authorization: Bearer <", "' https://api/v1"]),
    // YAML.
    ("password: {c}", &["password: <redacted: password>"]),
    ("  password: correct {c} staple\n  user: bob", &["password: <", "\n  user: bob"]),
    ("password: {c} # rotate", &["# rotate"]),
    ("- password: '{c}'", &["- password: '<", ">'"]),
    ("password: \"a \\\" {c}\"\nuser: bob", &["user: bob"]),
    ("smtp: {user: bob, password: {c}, port: 25}", &["user: bob, password: <", ">, port: 25}"]),
    ("password: |\n  {c}\n  more{c}\nuser: bob", &["password: |\n  <", ">\nuser: bob"]),
    ("password: >-\n    {c}\n\nuser: bob", &["user: bob"]),
    (
        "- name: DB_PASSWORD\n  value: {c}\n- name: DB_POOL\n  value: \"5\"",
        &["- name: DB_PASSWORD\n  value: <", "value: \"5\""],
    ),
    ("+    apiKey: {c}", &["+    apiKey: <redacted: api key>"]),
    ("auth:\n  client_secret: {c}", &["auth:\n  client_secret: <redacted: secret>"]),
    ("private_key: {c}", &["<redacted: private key>"]),
    ("password : {c}", &["password : <"]),
    // JSON, also in JSON.
    (
        "{\"user\":\"bob\",\"password\":\"{c}\",\"port\":25}",
        &["{\"user\":\"bob\",\"password\":\"<", "\",\"port\":25}"],
    ),
    ("{\"token\": \"{c}\"}", &["{\"token\": \"<redacted: token>\"}"]),
    (
        "{\"log\":\"{\\\"password\\\":\\\"{c}\\\",\\\"a\\\":1}\"}",
        &["\\\"password\\\":\\\"<", "\\\",\\\"a\\\":1}\"}"],
    ),
    (
        r#"{"x":"{\"y\":\"{\\\"secret\\\":\\\"{c}\\\"}\"}"}"#,
        &[r#"\\\"secret\\\":\\\"<redacted: secret>\\\"}\"}"}"#],
    ),
    ("{\"password\":\"{c}", &["{\"password\":\"<"]),
    (
        "{\"env\":[{\"name\":\"API_TOKEN\",\"value\":\"{c}\"},{\"name\":\"A\",\"value\":\"b\"}]}",
        &["\"name\":\"A\",\"value\":\"b\"}]}"],
    ),
    ("{\"value\":\"{c}\",\"name\":\"API_TOKEN\"}", &["\"name\":\"API_TOKEN\"}"]),
    ("{\"passwords\":[\"{c}\",\"b{c}\"],\"n\":1}", &["\"n\":1}"]),
    ("{\"auths\":{\"r.io\":{\"auth\":\"{c}dXNlcg==\"}}}", &["\"auth\":\"<redacted: credentials>\"}}}"]),
    ("{'password': '{c}', 'user': 'bob'}", &["'user': 'bob'}"]),
    // TOML, INI, code.
    ("password = \"{c}\"", &["password = \"<redacted: password>\""]),
    ("api_key   =   '{c}'   # key", &["# key"]),
    ("secret = \"\"\"\n{c}\n\"\"\"\nport = 1", &["port = 1"]),
    ("db.password = my {c} phrase", &["db.password = <"]),
    ("config['password'] = '{c}'", &["config['password'] = '<"]),
    (":password=>\"{c}\", :user=>\"bob\"", &[":user=>\"bob\""]),
    ("Config { password: Some(\"{c} x\"), port: 1 }", &["password: Some(\"<", "\"), port: 1 }"]),
    ("{Password:{c} User:bob}", &["{Password:<", " User:bob}"]),
    ("password=b'{c}', x=1", &[", x=1"]),
    (
        "<password>{c}</password><user>bob</user>",
        &["<password><redacted: password></password><user>bob</user>"],
    ),
    ("<add key=\"DbPassword\" value=\"{c}\"/>", &["<add key=\"DbPassword\" value=\"<", "\"/>"]),
    ("CREATE USER app IDENTIFIED BY '{c}' ACCOUNT LOCK", &["IDENTIFIED BY '<", "' ACCOUNT LOCK"]),
    ("ALTER ROLE app PASSWORD '{c}';", &["ALTER ROLE app PASSWORD '<", "';"]),
    // Headers and URLs.
    ("authorization: Bearer {c}", &["authorization: Bearer <"]),
    ("Authorization: Basic {c}", &["Authorization: Basic <"]),
    ("\"authorization\":[\"Bearer {c}\"]", &["\"authorization\":["]),
    (
        "Proxy-Authorization: Digest username=\"x\", response=\"{c}\"",
        &["Proxy-Authorization: Digest <redacted: authorization>"],
    ),
    ("Authorization: AWS4-HMAC-SHA256 Credential=x/y, Signature={c}", &["AWS4-HMAC-SHA256 <"]),
    ("X-Api-Key: {c}", &["X-Api-Key: <"]),
    ("cookie: sid=a; session={c}; theme=dark", &["cookie: <redacted: cookie>"]),
    ("Set-Cookie: sid={c}; Path=/; HttpOnly", &["Set-Cookie: <"]),
    (
        "GET /v1/cart?token={c}&page=2 HTTP/1.1\" 500 12",
        &["GET /v1/cart?token=<", "&page=2 HTTP/1.1\" 500 12"],
    ),
    ("GET /login?next=%2Fhome%3Faccess_token%3D{c}%26x%3D1", &["GET /login?next=%2Fhome"]),
    ("https://x.blob/y?sv=2022&sig={c}", &["https://x.blob/y?sv=2022&sig=<redacted: signature>"]),
    (
        "postgres://app:{c}@db.shop:5432/cart?sslmode=require",
        &["postgres://app:<redacted: password>@db.shop:5432/cart?sslmode=require"],
    ),
    ("postgres://app:a@{c}@db:5432/x", &["postgres://app:<", ">@db:5432/x"]),
    ("postgres://app:a/{c}@db:5432/x", &["postgres://app:<", ">@db:5432/x"]),
    ("redis://:{c}@cache:6379/0", &["redis://:<redacted: password>@cache:6379/0"]),
    ("DATABASE_URL=mysql://app:{c}@db/x", &["DATABASE_URL=mysql://app:<", "@db/x"]),
    ("dsn=app:{c}@tcp(db:3306)/x", &["dsn=app:<", "@tcp(db:3306)/x"]),
    ("SENTRY_DSN=https://{c}@sentry.io/1", &["SENTRY_DSN=https://<redacted: connection string>@sentry.io/1"]),
    (
        "connection_string: \"Server=db;User=app;Password={c};Encrypt=true\"",
        &["Server=db;User=app;Password=<", ";Encrypt=true\""],
    ),
    ("connectionString=\"{c}\"", &["connectionString=\"<redacted: connection string>\""]),
    (
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={c};EndpointSuffix=y",
        &["AccountName=x;AccountKey=<", ";EndpointSuffix=y"],
    ),
    // goaround's own words.
    ("env DB_PASSWORD {c} → b{c}", &["env DB_PASSWORD <redacted: password> → <redacted: password>"]),
    (
        "env DB_POOL 50 → 5, env API_TOKEN added: {c}, image 4.11 → 4.12",
        &["env DB_POOL 50 → 5, env API_TOKEN added: <", ", image 4.11 → 4.12"],
    ),
    (
        "ConfigMap api key db.password {c} → x{c} at 12:26, onset 12:27",
        &["ConfigMap api key db.password <", " at 12:26, onset 12:27"],
    ),
    (
        "ConfigMap api key app.yaml password: {c} → password: x{c}",
        &["ConfigMap api key app.yaml password: <", " → password: <"],
    ),
    // Other spellings.
    (
        "q=%7B%22password%22%3A%22{c}%22%2C%22a%22%3A1%7D",
        &["%22password%22%3A%22<redacted: password>%22%2C%22a%22%3A1%7D"],
    ),
    ("&quot;password&quot;:&quot;{c}&quot;,", &["&quot;:&quot;<redacted: password>&quot;,"]),
    ("{\\u0022token\\u0022:\\u0022{c}\\u0022}", &["\\u0022<redacted: token>\\u0022}"]),
    ("{\"secret\":{\"value\":\"{c}\"},\"b\":1}", &["{\"secret\":{<redacted: secret>},\"b\":1}"]),
    ("password: \"a{c}\n  b{c}\"\nuser: bob", &["password: \"<redacted: password>\"\nuser: bob"]),
    ("curl -su bob:{c} https://api/v1", &[" https://api/v1"]),
    ("curl -u bob:{c} https://api/v1", &["curl -u bob:<redacted: password> https://api/v1"]),
    ("mysql -u root -p{c} shop", &["mysql -u root -p<redacted: password> shop"]),
    ("redis-cli -a {c} ping", &["redis-cli -a <redacted: password> ping"]),
    ("HTTP_BASIC_AUTH=bob:{c}", &["HTTP_BASIC_AUTH=<redacted: credentials>"]),
    ("https://hooks.slack.com/services/T0000/B0000/{c}abcdefgh", &["services/T0000/B0000/<redacted: token>"]),
    ("GET /callback?code={c}&state=x", &["/callback?code=<redacted: token>&state=x"]),
    ("access denied, password {c} rejected", &["password <redacted: password> rejected"]),
    ("the password is {c}.", &["the password is <redacted: password>"]),
    // Prose and what a terminal made of it.
    (
        "login failed: password={c}, user=bob (attempt 3)",
        &["login failed: password=<", ", user=bob (attempt 3)"],
    ),
    ("cannot connect (password={c}).", &["cannot connect (password=<", ">)."]),
    ("the api key: {c}", &["the api key: <"]),
    ("a=1<0a>password: {c}<0a>b=2", &["a=1<0a>password: <", "<0a>b=2"]),
    ("msg=\"password={c}\" level=info", &["msg=\"password=<", "\" level=info"]),
    ("password=a,{c}", &["password=<"]),
    ("password=a}{c}", &["password=<"]),
    ("password=<redacted: {c}>", &["password=<"]),
    ("größer → ü password={c} 決済", &["größer → ü password=<", " 決済"]),
];

/// Secrets by shape; put together, so that nothing that looks for leaked secrets stops at them.
fn shapes() -> Vec<(String, &'static str)> {
    let hex = "9f86d081884c7d659a2feaa0c55ad015";
    let base = "kV9xQ2mZt7Lr4WbN8sYc1GhJ5pDf3KaE6uTo";
    vec![
        (format!("{}.{}.{}", "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "c2lnbmF0dXJl-_x"), "jwt"),
        (["AK", "IAIOSFODNN7EXAMPLE"].concat(), "aws access key"),
        (["gh", "p_16C7e42F292c6912E7710c838347Ae178B4a"].concat(), "token"),
        (["github", "_pat_11ABCDEFG0abcdefghijkl_mnopqrst"].concat(), "token"),
        (["xo", "xb-2444333222-aBcDeFgHiJ"].concat(), "token"),
        (["AI", "zaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"].concat(), "api key"),
        (["sk", "-proj-a1B2c3D4e5F6g7H8i9"].concat(), "api key"),
        (["sk-", "ant-api03-abcdefghij"].concat(), "api key"),
        (["sk_", "live_51H8abcDEFghi"].concat(), "api key"),
        (["gl", "pat-abcdefghij0123456789"].concat(), "token"),
        (format!("-----BEGIN {0}-----\nMIIEow\nabc\n-----END {0}-----", "RSA PRIVATE KEY"), "private key"),
        (format!("-----BEGIN {0}-----\\nMIIEow\\nabc\\n-----END {0}-----", "PRIVATE KEY"), "private key"),
        (hex.into(), "random characters"),
        (format!("{hex}{hex}"), "random characters"),
        (base.into(), "random characters"),
        (["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYEXAMPLEKEY"].concat(), "random characters"),
        ("cGFzc3dvcmQ6IGh1bnRlcjIgYW5kIG1vcmU=".into(), "random characters"),
        ("q7w8e9r1t2y3u4i5o6p7a8s9d1f2g3h4j5k6".into(), "random characters"),
        ("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPI".into(), "random characters"),
    ]
}

#[test]
fn no_canary_of_the_table_survives_and_what_stands_around_it_does() {
    for (row, left) in ROWS {
        let input = row.replace("{c}", CANARY);
        let done = redact::text(&input);
        assert!(!done.text.contains("canary"), "{input}\n{}", done.text);
        for part in *left {
            assert!(done.text.contains(part), "{input}\n{}\nlost: {part}", done.text);
        }
        assert!(done.hits > 0);
        let again = redact::text(&done.text);
        assert_eq!((again.text, again.hits), (done.text, 0), "{input}");
    }
    assert!(ROWS.len() >= 60);
}

#[test]
fn secrets_are_known_by_their_shape_wherever_they_stand() {
    for (secret, label) in shapes() {
        for (before, after) in [
            ("", ""),
            ("got ", " from upstream"),
            ("\"", "\""),
            ("(", ")"),
            ("x=", ", y=1"),
            ("line\\n", "\\nnext"),
        ] {
            let done = redact::text(&format!("{before}{secret}{after}"));
            assert_eq!(done.text, format!("{before}<redacted: {label}>{after}"));
        }
    }
}

#[test]
fn the_secret_that_lies_beside_the_id_of_a_key_goes_with_it() {
    let id = ["AK", "IAIOSFODNN7EXAMPLE"].concat();
    let secret = "0123456789012345678901234567890123456789";
    let text = redact::text(&format!("{secret} {id} {secret} and commit of 40 characters")).text;
    assert_eq!(
        text,
        "<redacted: aws secret key> <redacted: aws access key> <redacted: aws secret key> and commit of 40 characters"
    );
}

/// Texts in which nothing is secret.
const HARMLESS: &[&str] = &[
    "10.0.3.7 - - [21/Nov/2026:12:26:31 +0000] \"GET /v1/cart/items?page=2 HTTP/1.1\" 500 182 \"-\" \"kube-probe/1.33\" 0.012",
    "2026-11-21T12:26:31.004Z ERROR cart::db pool timed out after 30s (5 of 5 connections in use) path=/checkout status=503",
    "level=error ts=2026-11-21T12:26:31Z caller=main.go:142 msg=\"upstream connect error\" upstream=payments:8080 err=\"connection refused\"",
    "sum by (pod) (rate(http_requests_total{namespace=\"shop\",code=~\"5..\"}[5m])) / sum by (pod) (rate(http_requests_total{namespace=\"shop\"}[5m]))",
    "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{job=\"cart\"}[5m]))) == 0.25",
    "error ratio over 5m 14.4x of the budget, 1,962 of 13,640 requests failed since 12:26",
    "image registry.shop.example:5000/cart/api:4.12@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "nginx:1.25@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "containerd://9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "pod cart-7f9c5d8b9d-x2x4z restarted 3 times: CrashLoopBackOff, exit code 137 (OOMKilled)",
    "checkout-recommendation-aggregation-service-7f9c5d8b9d-x2x4z",
    "uid 3f2504e0-4f89-41d3-9a0c-0305e82c3301 pvc-3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 by ana, trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "{\"volumes\":[{\"name\":\"tls\",\"secret\":{\"secretName\":\"cart-tls\"}}],\"imagePullSecrets\":[{\"name\":\"regcred\"}]}",
    "valueFrom:\n  secretKeyRef:\n    name: db\n    key: url",
    "MountVolume.SetUp failed for volume \"tls\" : secret \"cart-tls\" not found",
    "secrets \"db\" is forbidden: User \"ana\" cannot list resource \"secrets\" in API group \"\"",
    "Secret keys changed 11:56 by kubectl-edit (client)",
    "automountServiceAccountToken: false",
    "tokens=512 max_tokens: 1024 token_count=3 prompt tokens: 300",
    "password_file: /etc/goaround/password",
    "DB_PASSWORD=${DB_PASSWORD}",
    "env DB_POOL 50 → 5, image 4.11 → 4.12",
    "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    "Bearer token missing; Basic authentication required",
    "com.example.shop.cart.CartServiceApplicationConfigurationFactoryBean.createRestTemplateWithTimeout",
    "/var/lib/kubelet/pods/3f2504e0-4f89-41d3-9a0c-0305e82c3301/volumes/kubernetes.io~configmap/config",
    "0.1000000000000000055511151231257827021181583404541015625",
    "PWD=/srv/app OLDPWD=/",
    "https://grafana.shop.example:3000/d/abc?var-namespace=shop&from=now-1h",
    "git@github.com:shop/cart.git http://cart:8080/@ana mailto:ana@shop.example",
    "goaround.dev/action: 01JD8X3J4M5N6P7Q8R9STVWXYZ:9f86d081884c",
    "std::token::Kind at src/token.rs:12",
    "gate TARGET GOOD pass: 99.98 % of 12,400 requests, 12 pass: 3 fail: 1",
    "kubernetes.io/change-cause: release 4.12, ticket OPS-431",
    "the author: ana; compass: north; bypass: yes",
    "docker run -u 1000:1000 -p 8080:80 app && mkdir -p /srv && ssh -p 22 host",
    "GET /errors?code=503&page=2 password is required, password reset sent",
    "secret: {secretName: tls} and auth: ok, auth=none",
    "public_key: abc, cache_key=cart:42, partition key: 7",
    "",
];

#[test]
fn texts_without_a_secret_come_back_as_they_are() {
    for text in HARMLESS {
        let done = redact::text(text);
        assert_eq!((done.text.as_str(), done.hits), (*text, 0));
    }
}

#[test]
fn the_name_of_a_field_decides_over_its_value() {
    for (key, value, expected) in [
        ("env DB_PASSWORD", "hunter2", "<redacted: password>"),
        ("ConfigMap api key db.password", "two words", "<redacted: password>"),
        ("annotation example.com/api-key", "x", "<redacted: api key>"),
        (
            "env DB_PASSWORD",
            "{\"valueFrom\":{\"secretKeyRef\":{\"name\":\"db\",\"key\":\"p\"}}}",
            "{\"valueFrom\":{\"secretKeyRef\":{\"name\":\"db\",\"key\":\"p\"}}}",
        ),
        ("env DB_POOL", "50", "50"),
        ("env DATABASE_URL", "postgres://a:hunter2@db/x", "postgres://a:<redacted: password>@db/x"),
        ("volume tls secret.secretName", "cart-tls", "cart-tls"),
        ("image", "shop/cart:4.12", "shop/cart:4.12"),
    ] {
        let done = redact::diff_value(key, value);
        assert_eq!(done.text, expected, "{key}");
        assert_eq!(redact::diff_value(key, &done.text).text, done.text, "{key}");
    }
}

#[test]
fn a_mark_says_what_it_was() {
    assert_eq!(Label::AwsAccessKey.mark(), "<redacted: aws access key>");
    assert!(redact::is_secret("DB_PASSWORD") && !redact::is_secret("DB_POOL"));
}

/// What can carry a secret: text before and after it.
fn carrier() -> impl Strategy<Value = (String, String)> {
    let key = prop::sample::select(vec![
        "password",
        "DB_PASSWORD",
        "passwd",
        "token",
        "accessToken",
        "api_key",
        "apiKey",
        "client_secret",
        "secret",
        "access_key",
        "private_key",
        "x-auth-token",
        "db.password",
        "PGPASSWORD",
    ]);
    let form = prop::sample::select(vec![
        ("K=", ""),
        ("K=\"", "\""),
        ("K='", "' b=1"),
        ("K: ", "\nb: 1"),
        ("  - K: \"", "\""),
        ("{\"K\":\"", "\",\"b\":1}"),
        ("{\"l\":\"{\\\"K\\\":\\\"", "\\\"}\"}"),
        ("K = \"", "\" # c"),
        ("GET /?K=", "&b=1 HTTP/1.1"),
        ("run --K ", " -v"),
        ("run --K=", ""),
        ("[\"--K\",\"", "\"]"),
        ("{\"name\":\"K\",\"value\":\"", "\"}"),
        ("- name: K\n  value: ", "\n"),
        ("<K>", "</K>"),
        ("env K ", " → <redacted: token>"),
        ("env K added: ", ", b 1 → 2"),
        ("{K:", " b:1}"),
        ("K=", ";b=1"),
        ("(K=", ")"),
        ("K: |\n  ", "\nb: 1"),
    ]);
    (key, form).prop_map(|(key, (before, after))| (before.replace('K', key), after.replace('K', key)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_canary_never_survives_a_known_carrier(
        (before, after) in carrier(),
        noise in "[ -~\u{e4}\u{2192}\n]{0,30}",
        secret in "[A-Za-z0-9][A-Za-z0-9!#%*+./:^_~@-]{0,12}CANARY[A-Za-z0-9!#%*+./:^_~@-]{0,12}[A-Za-z0-9]",
    ) {
        // An open quotation mark before it could take the carrier into another text: its line ends first.
        let input = format!("{noise}\n{before}{secret}{after}");
        let done = redact::text(&input);
        prop_assert!(!done.text.contains("CANARY"), "{input:?} -> {:?}", done.text);
        prop_assert_eq!(&redact::text(&done.text).text, &done.text);
    }

    #[test]
    fn any_text_is_taken_and_the_second_time_nothing_is_left_to_do(
        parts in prop::collection::vec(prop_oneof![
            "\\PC{0,12}",
            prop::sample::select(vec![
                "password", "=", ":", "\"", "'", "\\", "\\\"", "\n", "<0a>", "\\n", "<redacted: token>", "<redacted: ", "→", "env ",
                "name", "value", "--", "Bearer ", "cookie", "dsn", "://", "@", "[", "]", "{", "}", ",", "eyJhbGciOiJIUzI1NiJ9.",
                "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "ä", "\"\"\"", "|", "%3D", "added",
                "9f86d081884c7d659a2feaa0c55ad015", "</", ">", "<",
            ]).prop_map(str::to_owned),
        ], 0..24),
    ) {
        let done = redact::text(&parts.concat());
        prop_assert_eq!(redact::text(&done.text), redact::Redacted { text: done.text.clone(), hits: 0 });
        let value = redact::diff_value("env TOKEN", &parts.concat());
        prop_assert_eq!(&redact::diff_value("env TOKEN", &value.text).text, &value.text);
    }
}
