// Package fence lets a resource refuse who was the holder of a lock and is it no more.
// It is quiet and replicated: a token, and one rule over a storage that the resource brings.
//
// A lease lapses while its holder is paused, cut off or slow, and the holder may not know. So whoever holds a lock shows its Token with
// everything that it asks of a resource, and the resource asks a Guard first. From the moment at which the resource has seen the token of
// a later holder, nothing of an earlier one gets through, however late it arrives.
//
// Tokens of one name are compared by epoch first (view, then term), then by Seq; see Token.Compare. The order is that in which the
// cluster granted them.
package fence
