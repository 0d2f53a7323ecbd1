// Package past holds what was known earlier: records with the known time in which they held.
// It is quiet and replicated: plain data, and trees that copy in constant time.
//
// # Known time
//
// Known time counts the entries of a log; what is known at an index is what holds after that whole entry. A Version is a record that was
// known from the entry Since on, until before the entry Until, which superseded or removed it. What came and went within one
// entry was known at no index, and is kept nowhere.
//
// # Three pieces
//
// A Line is all versions of one name that are over. A Table is records by name, each with its line: most kinds of record live in one.
// A Queue holds versions of all kinds in the order in which they ended, which is the order in which they are forgotten.
package past
