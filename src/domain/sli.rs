//! placeholder until the branch with the real one is merged
/// x
#[derive(Clone, PartialEq, Debug)]
pub struct SliExpression;
