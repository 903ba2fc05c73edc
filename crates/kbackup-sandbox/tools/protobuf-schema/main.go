// Writes src/protobuf/schema.txt: how the types of the Kubernetes API look in protobuf, read from the Go types that
// define it. Which fields are pointers is in no .proto file, and without it a zero that was set cannot be told from one
// that was not.
//
//	go run . > ../../src/protobuf/schema.txt
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
)

const api, machinery = "k8s.io/api", "k8s.io/apimachinery"

// The packages that are read, and the prefix of their types' names: the apiVersion of the objects among them.
var prefixes = map[string]string{
	api + "/core/v1":                "v1",
	api + "/apps/v1":                "apps/v1",
	api + "/authentication/v1":      "authentication.k8s.io/v1",
	api + "/authorization/v1":       "authorization.k8s.io/v1",
	api + "/autoscaling/v1":         "autoscaling/v1",
	api + "/autoscaling/v2":         "autoscaling/v2",
	api + "/batch/v1":               "batch/v1",
	api + "/coordination/v1":        "coordination.k8s.io/v1",
	api + "/discovery/v1":           "discovery.k8s.io/v1",
	api + "/events/v1":              "events.k8s.io/v1",
	api + "/networking/v1":          "networking.k8s.io/v1",
	api + "/node/v1":                "node.k8s.io/v1",
	api + "/policy/v1":              "policy/v1",
	api + "/rbac/v1":                "rbac.authorization.k8s.io/v1",
	api + "/scheduling/v1":          "scheduling.k8s.io/v1",
	api + "/storage/v1":             "storage.k8s.io/v1",
	machinery + "/pkg/apis/meta/v1": "meta/v1",
}

// Types that JSON shows in another way than as their fields.
var special = map[string]string{
	machinery + "/pkg/apis/meta/v1.Time":       "T",
	machinery + "/pkg/apis/meta/v1.MicroTime":  "U",
	machinery + "/pkg/apis/meta/v1.FieldsV1":   "R",
	machinery + "/pkg/runtime.RawExtension":    "R",
	machinery + "/pkg/api/resource.Quantity":   "Q",
	machinery + "/pkg/util/intstr.IntOrString": "I",
	machinery + "/pkg/types.UID":               "s",
	machinery + "/pkg/types.NodeName":          "s",
}

type named struct {
	spec    ast.Expr
	pkg     string
	imports map[string]string
}

var types = map[string]named{}

func main() {
	for pkg := range prefixes {
		load(pkg)
	}
	todo := roots()
	lines := map[string]string{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if _, done := lines[name]; done {
			continue
		}
		line, more := message(name)
		lines[name] = line
		todo = append(todo, more...)
	}
	for _, name := range sortedKeys(lines) {
		fmt.Println(strings.TrimSpace(shown(name) + " " + lines[name]))
	}
}

func load(pkg string) {
	module := strings.Join(strings.SplitN(pkg, "/", 3)[:2], "/")
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	check(err)
	var found struct{ Dir string }
	check(json.Unmarshal(out, &found))
	files, err := filepath.Glob(filepath.Join(found.Dir, strings.TrimPrefix(pkg, module), "*.go"))
	check(err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		check(err)
		imports := map[string]string{}
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			name := filepath.Base(path)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			imports[name] = path
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
				for _, spec := range gen.Specs {
					spec := spec.(*ast.TypeSpec)
					types[pkg+"."+spec.Name.Name] = named{spec.Type, pkg, imports}
				}
			}
		}
	}
}

// Objects that can be sent: structs with metadata that are no lists; and the options of a deletion.
func roots() []string {
	found := []string{machinery + "/pkg/apis/meta/v1.DeleteOptions"}
	for name, one := range types {
		body, ok := one.spec.(*ast.StructType)
		if !ok || !strings.HasPrefix(name, api+"/") || strings.HasSuffix(name, "List") {
			continue
		}
		embedded := map[string]bool{}
		for _, field := range body.Fields.List {
			if len(field.Names) == 0 {
				embedded[fmt.Sprint(resolve(field.Type, one))] = true
			}
		}
		if embedded["m "+machinery+"/pkg/apis/meta/v1.TypeMeta"] && embedded["m "+machinery+"/pkg/apis/meta/v1.ObjectMeta"] {
			found = append(found, name)
		}
	}
	sort.Strings(found)
	return found
}

// A field is written name:number:flags:type. Flags: * pointer, [ list, { map, ^ inline in JSON, - none.
func message(name string) (string, []string) {
	one := types[name]
	body, ok := one.spec.(*ast.StructType)
	if !ok {
		panic("no struct: " + name)
	}
	var fields, more []string
	for _, field := range body.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
		proto := strings.Split(tag.Get("protobuf"), ",")
		if len(proto) < 2 {
			continue
		}
		json := strings.Split(tag.Get("json"), ",")
		flags, kind := flagged(field.Type, one)
		if strings.HasSuffix(kind, "?") {
			continue // Of an alpha version, which this server does not have.
		}
		if json[0] == "" {
			json[0], flags = "_", "^"
		}
		if strings.HasPrefix(kind, "m ") {
			kind = strings.TrimPrefix(kind, "m ")
			more = append(more, kind)
			kind = shown(kind)
		}
		fields = append(fields, strings.Join([]string{json[0], proto[1], flags, kind}, ":"))
	}
	return strings.Join(fields, " "), more
}

func flagged(expr ast.Expr, in named) (string, string) {
	kind := resolve(expr, in)
	for prefix, flag := range map[string]string{"*": "*", "[": "[", "{": "{"} {
		if strings.HasPrefix(kind, prefix) {
			return flag, strings.TrimPrefix(kind, prefix)
		}
	}
	return "-", kind
}

// A letter for what is plain or special, "m package.Name" for a message, with *, [ or { in front.
func resolve(expr ast.Expr, in named) string {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		inner := resolve(expr.X, in)
		if strings.HasPrefix(inner, "[") || strings.HasPrefix(inner, "{") {
			return inner
		}
		return "*" + inner
	case *ast.ArrayType:
		inner := resolve(expr.Elt, in)
		if inner == "byte" {
			return "b"
		}
		return "[" + strings.TrimPrefix(inner, "*")
	case *ast.MapType:
		inner := resolve(expr.Value, in)
		if strings.HasPrefix(inner, "[") {
			inner = "X" // Only lists of texts are in maps.
		}
		return "{" + inner
	case *ast.Ident:
		switch expr.Name {
		case "string":
			return "s"
		case "bool":
			return "t"
		case "int", "int32", "int64", "uint32", "uint64":
			return "i"
		case "float64":
			return "d"
		case "byte":
			return "byte"
		}
		return resolveName(in.pkg + "." + expr.Name)
	case *ast.SelectorExpr:
		return resolveName(in.imports[expr.X.(*ast.Ident).Name] + "." + expr.Sel.Name)
	}
	panic(fmt.Sprintf("no type that is known: %#v", expr))
}

func resolveName(name string) string {
	if letter, ok := special[name]; ok {
		return letter
	}
	// A list that is a message of its own.
	if strings.HasSuffix(name, ".ExtraValue") {
		return "X"
	}
	one, ok := types[name]
	if !ok {
		return "?"
	}
	if _, ok := one.spec.(*ast.StructType); ok {
		return "m " + name
	}
	return resolve(one.spec, one)
}

func shown(name string) string {
	dot := strings.LastIndex(name, ".")
	return prefixes[name[:dot]] + "." + name[dot+1:]
}

func sortedKeys(lines map[string]string) []string {
	var keys []string
	for key := range lines {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return shown(keys[i]) < shown(keys[j]) })
	return keys
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
