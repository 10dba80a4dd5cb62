//go:build tools

// Package tools makes the Pulumi engine's command a dependency of this module: `go build` of that import path then builds the engine at the exact
// versions of go.mod. pkg/v3's own go.mod has replaces, so `go install pkg@version` refuses it; ours repeats them.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
