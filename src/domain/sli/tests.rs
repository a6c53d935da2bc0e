//! What is understood, what is not, and the PromQL that comes out of it.

use super::*;

const FIVE: Window = Window::minutes(5);

fn read(expr: &str) -> SliExpression {
    understand(expr).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

fn reason(expr: &str) -> String {
    match understand(expr) {
        Ok(sli) => panic!("{expr} was understood as {sli:?}"),
        Err(error) => error.reason.to_string(),
    }
}

fn labels(of: &[(&str, &str)]) -> BTreeMap<String, Clean> {
    of.iter().map(|(k, v)| ((*k).to_owned(), Clean::from(*v))).collect()
}

#[test]
fn the_ordinary_ratio_becomes_two_counts_split_by_pod() {
    let sli = read(
        r#"(sum(rate(http_requests_total{namespace="shop",service="api",code=~"5.."}[5m])) or vector(0))
           / sum(rate(http_requests_total{namespace="shop",service="api"}[5m]))"#,
    );
    assert_eq!(
        sli.bad_increase(Window::hours(1), &["pod"]),
        r#"sum by (pod)(increase(http_requests_total{namespace="shop",service="api",code=~"5.."}[1h]))"#
    );
    assert_eq!(
        sli.total_increase(Window::minutes(90), &["pod", "pod_template_hash", "pod"]),
        r#"sum by (pod, pod_template_hash)(increase(http_requests_total{namespace="shop",service="api"}[90m]))"#
    );
    assert_eq!(sli.window, FIVE);
    assert!(sli.bad.zero_when_absent && !sli.total.zero_when_absent);
    assert_eq!(
        sli.counters(),
        [
            r#"http_requests_total{namespace="shop",service="api",code=~"5.."}"#,
            r#"http_requests_total{namespace="shop",service="api"}"#,
        ]
    );
}

#[test]
fn every_way_to_write_the_same_ratio_gives_the_same_counts() {
    let plain = read(r#"sum(rate(x{code="500"}[5m])) / sum(rate(x[5m]))"#);
    for same in [
        r#"((sum((rate(x{code="500"}[30m])))) / ((sum(rate(x[30m])))))"#,
        r#"sum(increase(x{code='500'}[1d])) / sum(increase(x{}[1d]))"#,
        r#"sum(rate(x{code="500",}[5m])) / (sum(rate(x[5m])) > 0)"#,
        r#"sum(sum by (pod) (rate(x{code="500"}[5m]))) / sum(rate({__name__="x"}[5m]))"#,
        r#"sum(rate(x{code="500",code="500"}[5m])) / sum(rate(x[5m])) or vector(0)"#,
        r#"1 - ((sum(rate(x[5m])) - sum(rate(x{code="500"}[5m]))) / sum(rate(x[5m])))"#,
        "sum(rate(x{code=`500`}[1h30m])) # errors\n/ sum(rate(x[1h30m]))",
    ] {
        let same = read(same);
        assert_eq!(same.bad_increase(FIVE, &[]), plain.bad_increase(FIVE, &[]));
        assert_eq!(same.total_increase(FIVE, &[]), plain.total_increase(FIVE, &[]));
    }
}

#[test]
fn no_errors_yet_is_zero_only_where_the_source_says_so() {
    let total = "sum(rate(x[5m]))";
    let bad = r#"sum(rate(x{code="500"}[5m]))"#;
    for guarded in [
        format!("({bad} or vector(0)) / {total}"),
        format!("({bad} or on() vector(0)) / {total}"),
        format!("({bad} or 0 * {total}) / {total}"),
        format!("({bad} or ({total} * 0)) / {total}"),
        format!(r#"sum(rate(x{{code="500"}}[5m]) or vector(0)) / {total}"#),
    ] {
        assert_eq!(
            read(&guarded).ratio(FIVE),
            r#"(sum(increase(x{code="500"}[5m])) or 0 * sum(increase(x[5m]))) / sum(increase(x[5m]))"#,
            "{guarded}"
        );
    }
    assert_eq!(
        read(&format!("{bad} / {total}")).ratio(FIVE),
        r#"sum(increase(x{code="500"}[5m])) / sum(increase(x[5m]))"#
    );
}

#[test]
fn one_minus_good_over_total_counts_what_was_not_good() {
    let sli = read(r#"1 - (sum(rate(x{code=~"2.."}[5m])) / sum(rate(x[5m])))"#);
    assert_eq!(
        sli.bad_increase(FIVE, &["pod"]),
        r#"sum by (pod)(increase(x[5m])) - (sum by (pod)(increase(x{code=~"2.."}[5m])) or 0 * sum by (pod)(increase(x[5m])))"#
    );
}

#[test]
fn a_latency_slo_is_count_minus_bucket_and_a_bucket_is_never_invented() {
    let expected = r#"sum by (pod)(increase(d_count{job="a"}[5m])) - sum by (pod)(increase(d_bucket{job="a",le="0.3"}[5m]))"#;
    for expr in [
        r#"(sum(rate(d_count{job="a"}[5m])) - sum(rate(d_bucket{job="a",le="0.3"}[5m]))) / sum(rate(d_count{job="a"}[5m]))"#,
        r#"1 - sum(rate(d_bucket{job="a",le="0.3"}[5m])) / sum(rate(d_count{job="a"}[5m]))"#,
    ] {
        assert_eq!(read(expr).bad_increase(FIVE, &["pod"]), expected);
    }
}

#[test]
fn a_counter_without_series_does_not_lose_the_other() {
    let sli = read(
        "(sum(rate(a[5m])) + sum(rate(b[5m]))) / (sum(rate(c[5m])) + sum(rate(d[5m])) + sum(rate(e[5m])))",
    );
    assert_eq!(
        sli.bad_increase(FIVE, &[]),
        "(sum(increase(a[5m])) or 0 * sum(increase(b[5m]))) + (sum(increase(b[5m])) or 0 * sum(increase(a[5m])))"
    );
    assert!(
        sli.total_increase(FIVE, &[])
            .starts_with("(sum(increase(c[5m])) or 0 * (sum(increase(d[5m])) or sum(increase(e[5m]))))")
    );
}

#[test]
fn a_subtracted_sum_turns_every_sign_inside_it() {
    let sli = read("(sum(rate(a[5m])) - (sum(rate(b[5m])) - sum(rate(c[5m])))) / sum(rate(a[5m]))");
    let signs: Vec<(bool, String)> =
        sli.bad.leaves.iter().map(|leaf| (leaf.subtracted, leaf.selector.to_string())).collect();
    assert_eq!(signs, [(false, "a".to_owned()), (false, "c".to_owned()), (true, "b".to_owned())]);
}

#[test]
fn a_grouped_slo_is_pinned_to_one_group() {
    let sli =
        read(r#"sum by (handler, job) (rate(x{code="500"}[5m])) / sum by (job, handler) (rate(x[5m]))"#);
    assert_eq!(sli.grouping, ["handler", "job"]);
    assert_eq!(
        sli.ratio(FIVE),
        r#"sum by (handler, job)(increase(x{code="500"}[5m])) / sum by (handler, job)(increase(x[5m]))"#
    );
    let one = sli.pin(&labels(&[("handler", "/a\"b\\"), ("other", "1")]), &labels(&[])).expect("pinned");
    assert_eq!(
        one.bad_increase(FIVE, &["pod"]),
        r#"sum by (pod)(increase(x{code="500",handler="/a\"b\\",job=""}[5m]))"#
    );
    assert!(one.grouping.is_empty());
    let error = sli.pin(&labels(&[("job", "rule")]), &labels(&[("job", "rule")])).expect_err("overwritten");
    assert!(error.reason.as_str().contains("`job`"));
}

#[test]
fn equality_matchers_are_those_that_all_counters_share() {
    let sli = read(
        r#"sum(rate(x{namespace="shop",deployment="api",app=~"a",code="500",le="1",pod=""}[5m]))
           / sum(rate(x{deployment="api",namespace="shop",app=~"a",le="1"}[5m]))"#,
    );
    let found: Vec<(String, String)> = sli.equality_matchers().into_iter().collect();
    assert_eq!(
        found,
        [("deployment".to_owned(), "api".to_owned()), ("namespace".to_owned(), "shop".to_owned())]
    );
}

#[test]
fn names_and_values_outside_of_ascii_words_are_quoted() {
    let sli =
        read(r#"sum(rate({"http.requests", "k8s.pod"="a\nb", re=~"a\\.b|\"c"}[5m])) / sum(rate(x[5m]))"#);
    let text = sli.bad_increase(FIVE, &["k8s.pod", "pod"]);
    assert_eq!(
        text,
        r#"sum by ("k8s.pod", pod)(increase({"http.requests","k8s.pod"="a\nb",re=~"a\\.b|\"c"}[5m]))"#
    );
    assert_eq!(read(&format!("{text} / {text}")).bad.leaves[0].selector, sli.bad.leaves[0].selector);
}

#[test]
fn what_is_not_a_ratio_of_sums_is_not_understood_and_says_why() {
    let total = "sum(rate(t[5m]))";
    for (expr, words) in [
        ("sum(rate(x[5m]", "not PromQL"),
        ("", "not PromQL"),
        ("vector(1)", "no division: the function vector"),
        ("sum(rate(x[5m]))", "no division"),
        ("slo:sli_error:ratio_rate5m", "the recorded series slo:sli_error:ratio_rate5m"),
        ("sum(rate(x[5m])) / ignoring(a) sum(rate(t[5m]))", "on, ignoring or group"),
        ("sum(rate(x[5m])) / on() group_left sum(rate(t[5m]))", "on, ignoring or group"),
        ("sum_over_time(r[30d]) / ignoring(w) count_over_time(r[30d])", "mean of a recorded ratio"),
        ("sum(sum_over_time(r[5m])) / sum(count_over_time(r[5m]))", "the function sum_over_time"),
        ("sum(irate(x[5m])) / sum(irate(t[5m]))", "the function irate"),
        ("avg(rate(x[5m])) / sum(rate(t[5m]))", "the aggregation avg"),
        ("sum(avg by (pod) (rate(x[5m]))) / sum(rate(t[5m]))", "the aggregation avg"),
        ("sum by (pod) (sum(rate(x[5m]))) / sum by (pod) (rate(t[5m]))", "the aggregation sum"),
        ("sum without (pod) (rate(x[5m])) / sum without (pod) (rate(t[5m]))", "without"),
        ("sum by (a) (rate(x[5m])) / sum(rate(t[5m]))", "different labels"),
        ("sum(rate(x[1h])) / sum(rate(t[5m]))", "mixes windows"),
        ("sum(increase(x[5m])) / sum(rate(t[5m]))", "mixes rate and increase"),
        ("rate(x[5m]) / rate(t[5m])", "not aggregated by sum"),
        ("sum(x) / sum(t)", "x without rate or increase"),
        ("sum(a:b:rate5m) / sum(rate(t[5m]))", "the recorded series a:b:rate5m"),
        ("sum(rate(a:b[5m])) / sum(rate(t[5m]))", "a:b is a recorded series"),
        ("sum(rate(x[5m] offset 1h)) / sum(rate(t[5m]))", "another time"),
        ("sum(rate(x[5m] @ 0)) / sum(rate(t[5m]))", "another time"),
        ("sum(rate(x[5m:1m])) / sum(rate(t[5m]))", "not applied to a counter"),
        ("sum(rate({code=\"500\"}[5m])) / sum(rate(t[5m]))", "not named exactly"),
        ("sum(rate(x[5m]) + rate(y[5m])) / sum(rate(t[5m]))", "sums the operator +"),
        ("sum(rate(x[5m])) or sum(rate(y[5m]))", "no division"),
        ("(sum(rate(x[5m])) or sum(rate(y[5m]))) / sum(rate(t[5m]))", "the operator or"),
        ("sum(rate(x[5m])) * 2 / sum(rate(t[5m]))", "the operator *"),
        ("100 * sum(rate(x[5m])) / sum(rate(t[5m]))", "the operator *"),
        ("(sum(rate(x[5m])) / sum(rate(t[5m]))) * 100", "no division"),
        ("2 - sum(rate(x[5m])) / sum(rate(t[5m]))", "no division"),
        ("-sum(rate(x[5m])) / sum(rate(t[5m]))", "a negation"),
        ("(sum(rate(x[5m])) - sum(rate(x[5m]))) / sum(rate(t[5m]))", "nothing is left"),
        ("1 - sum(rate(t[5m])) / sum(rate(t[5m]))", "nothing is left"),
        ("0 / sum(rate(t[5m]))", "a constant"),
        ("sum(rate(x[500ms])) / sum(rate(t[500ms]))", "whole seconds"),
        ("sum(clamp_min(rate(x[5m]), 0)) / sum(rate(t[5m]))", "the function clamp_min"),
        ("(c * on() sum(rate(x[5m]))) / (sum(rate(t[5m])))", "the operator * with modifiers"),
    ] {
        let said = reason(expr);
        assert!(said.contains(words), "{expr}: {said}");
    }
    let many = ["sum(rate(x[5m]))"; LEAVES + 1].join(" + ");
    assert!(reason(&format!("({many}) / {total}")).contains("more than 6"));
}

#[test]
fn an_expression_that_is_too_deep_is_refused_before_it_is_walked() {
    for deep in [
        "(".repeat(8_000) + "1" + &")".repeat(8_000),
        "-".repeat(16_000) + "1",
        "1+".repeat(8_000) + "1",
        "x".repeat(20_000),
    ] {
        assert_eq!(reason(&deep), "it is too long");
    }
    // The deepest that is let through must fit on the small stack of a test's thread.
    for allowed in
        ["-".repeat(TOKENS - 1) + "x", "(".repeat(499) + "x" + &")".repeat(499), "1+".repeat(499) + "x"]
    {
        assert!(!reason(&allowed).is_empty());
    }
}

#[test]
fn the_raw_text_of_an_expression_is_never_shown() {
    let expr = PromQl::new("sum(x)\n\x1b[2J");
    assert_eq!(expr.to_string(), "sum(x)<0a><1b>[2J");
    assert_eq!(format!("{expr:?}"), "PromQl(sum(x)<0a><1b>[2J)");
    assert_eq!(expr.as_query(), "sum(x)\n\x1b[2J");
    assert!(!reason("sum(\x1b[2J").contains('\x1b'));
}

fn table(expr: &str, known: Option<f64>) -> Vec<(String, String, f64, f64)> {
    window_pairs(expr, known)
        .into_iter()
        .map(|pair| (pair.short.to_string(), pair.long.to_string(), pair.factor, pair.budget))
        .collect()
}

#[test]
fn the_two_pairs_of_a_page_are_read_in_the_words_of_sloth_and_of_the_server() {
    let as_written = r#"
      (max(slo:sli_error:ratio_rate5m{sloth_id="a"} > (14.4 * 0.001)) without (sloth_window)
       and max(slo:sli_error:ratio_rate1h{sloth_id="a"} > (14.4 * 0.001)) without (sloth_window))
      or
      (max(slo:sli_error:ratio_rate30m{sloth_id="a"} > (6 * 0.001)) without (sloth_window)
       and max(slo:sli_error:ratio_rate6h{sloth_id="a"} > (6 * 0.001)) without (sloth_window))"#;
    let as_served = r#"(max without (sloth_window) (slo:sli_error:ratio_rate5m{sloth_id="a"} > (14.4 * 0.001)) and max without (sloth_window) (slo:sli_error:ratio_rate1h{sloth_id="a"} > (14.4 * 0.001))) or (max without (sloth_window) (slo:sli_error:ratio_rate30m{sloth_id="a"} > (6 * 0.001)) and max without (sloth_window) (slo:sli_error:ratio_rate6h{sloth_id="a"} > (6 * 0.001)))"#;
    let expected =
        [("5m".to_owned(), "1h".to_owned(), 14.4, 0.001), ("30m".to_owned(), "6h".to_owned(), 6.0, 0.001)];
    assert_eq!(table(as_written, None), expected);
    assert_eq!(table(as_served, None), expected);
}

#[test]
fn factor_and_budget_are_told_apart_in_either_order() {
    let pair = |threshold: &str| format!("(x:ratio_rate5m > {threshold}) and (x:ratio_rate1h > {threshold})");
    assert_eq!(table(&pair("(0.001 * 14.4)"), None)[0].2, 14.4);
    assert_eq!(table(&pair("0.9333 * (1 - 0.5)"), None)[0].2, 0.9333);
    assert_eq!(table(&pair("(0.5 * 0.9)"), Some(0.9))[0], ("5m".to_owned(), "1h".to_owned(), 0.5, 0.9));
    let known = table(&pair("0.0144"), Some(0.001));
    assert!((known[0].2 - 14.4).abs() < 1e-9);
    assert_eq!(table(&pair("0.0144"), None), []);
}

#[test]
fn burn_rates_of_pyrra_and_of_kube_prometheus_are_pairs_of_ratios_too() {
    assert_eq!(
        table(
            r#"http:burnrate5m{slo="a"} > (14 * (1-0.99)) and http:burnrate1h{slo="a"} > (14 * (1-0.99))"#,
            None
        )[0]
        .2,
        14.0
    );
    let kube = "sum by(cluster)(apiserver_request:burnrate1d) > (3.00 * 0.01000) and on(cluster) sum by(cluster)(apiserver_request:burnrate2h) > (3.00 * 0.01000)";
    assert_eq!(table(kube, None), [("2h".to_owned(), "1d".to_owned(), 3.0, 0.01)]);
    assert_eq!(table("(6 * 0.01) < x:ratio_rate6h and (6 * 0.01) <= x:ratio_rate30m", None).len(), 1);
}

#[test]
fn alerts_of_another_shape_have_no_pairs() {
    for expr in [
        "up == 0",
        "x:ratio_rate1h > 0.1",
        "x:ratio_rate1h > (14.4 * 0.001) and x:ratio_rate1h > (14.4 * 0.001)",
        "x:ratio_rate1h > (14.4 * 0.001) and x:ratio_rate5m > (6 * 0.001)",
        "x:ratio_rate1h > (14.4 * y) and x:ratio_rate5m > (14.4 * y)",
        "x:ratio_rate1h > (14.4 * 0.001) unless x:ratio_rate5m > (14.4 * 0.001)",
        "x:ratio_rate1h > (14.4 * 0) and x:ratio_rate5m > (14.4 * 0)",
        "(x:ratio_rate1h > (9 * 0.1) and x:ratio_rate5m > (9 * 0.1)) or up == 0",
        "x:ratio_rate > (9 * 0.1) and x:ratio_rate5m > (9 * 0.1)",
        "not promql (",
    ] {
        assert_eq!(table(expr, None), [], "{expr}");
    }
}

#[test]
fn what_an_alert_rule_speaks_of_is_what_all_its_series_must_carry() {
    let rule = r#"(max without (sloth_window) (slo:sli_error:ratio_rate5m{sloth_id="a",handler="/x"} > (14.4 * 0.001))
        and max without (sloth_window) (slo:sli_error:ratio_rate1h{sloth_id="a",handler="/y"} > (14.4 * 0.001)))
        or sum_over_time(x{sloth_id="a",code=~"5.."}[1h]) > 0"#;
    assert_eq!(demanded(rule), [("sloth_id".to_owned(), "a".to_owned())].into());
    for nothing in ["vector(1)", "not promql (", r#"a{sloth_id="a"} and b"#] {
        assert!(demanded(nothing).is_empty(), "{nothing}");
    }
}
