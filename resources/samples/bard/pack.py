# SPDX-License-Identifier: GPL-3.0-or-later
# Packs the trained model: BF16 safetensors, config, tokenizer.json, GGUF, double-precision references, outlier twin.
# usage: pack.py OUT_DIR   (in the folder where prep.py and train.py ran)
import json,struct,sys,math,os,numpy as np,hashlib
OUT=sys.argv[1]; src=open('train.py').read().split("if __name__")[0]; exec(src); torch.set_num_threads(1)
os.makedirs(OUT+'/outliers',exist_ok=True)
bpe=json.load(open('bpe.json')); toks=bpe['tokens']; merges=[tuple(m) for m in bpe['merges']]; ids={t:i for i,t in enumerate(toks)}
def load(f):
    b=open(f,'rb').read(); n=struct.unpack('<Q',b[:8])[0]; H=json.loads(b[8:8+n]); d=b[8+n:]
    return {k:np.frombuffer(d[v['data_offsets'][0]:v['data_offsets'][1]],dtype='<f4').reshape(v['shape']).copy() for k,v in H.items() if k!='__metadata__'}
def bf(a):
    u=np.ascontiguousarray(a,dtype='<f4').view('<u4').astype(np.uint64); r=((u+0x7fff+((u>>16)&1))>>16)<<16
    return r.astype('<u4').view('<f4').reshape(a.shape)
def b16(a):
    u=np.ascontiguousarray(a,dtype='<f4').view('<u4'); assert not (u&0xffff).any(); return (u>>16).astype('<u2').tobytes()
def write_st(f,W):
    h={'__metadata__':{'format':'pt'}};off=0
    for n in sorted(W): L=W[n].nbytes//2; h[n]={'dtype':'BF16','shape':list(W[n].shape),'data_offsets':[off,off+L]}; off+=L
    j=json.dumps(h,separators=(',',':')).encode(); j+=b' '*(-len(j)%8)
    with open(f,'wb') as o: o.write(struct.pack('<Q',len(j))+j); [o.write(b16(W[n])) for n in sorted(W)]
cfg=dict(architectures=['LlamaForCausalLM'],model_type='llama',hidden_size=C['dim'],intermediate_size=C['hidden'],num_hidden_layers=C['layers'],num_attention_heads=C['heads'],num_key_value_heads=C['kv'],vocab_size=C['vocab'],max_position_embeddings=C['ctx'],rms_norm_eps=C['eps'],rope_theta=C['theta'],hidden_act='silu',tie_word_embeddings=False,bos_token_id=0,eos_token_id=0,torch_dtype='bfloat16')
tj={'version':'1.0','truncation':None,'padding':None,'added_tokens':[{'id':0,'content':'<|endoftext|>','single_word':False,'lstrip':False,'rstrip':False,'normalized':False,'special':True}],'normalizer':None,'pre_tokenizer':{'type':'ByteLevel','add_prefix_space':False,'trim_offsets':True,'use_regex':True},'post_processor':None,'decoder':{'type':'ByteLevel','add_prefix_space':True,'trim_offsets':True,'use_regex':True},'model':{'type':'BPE','dropout':None,'unk_token':None,'continuing_subword_prefix':None,'end_of_word_suffix':None,'fuse_unk':False,'byte_fallback':False,'vocab':ids,'merges':[' '.join(m) for m in merges]}}
def s(x): b=x.encode(); return struct.pack('<Q',len(b))+b
def kv(k,t,v):
    o=s(k)
    if t=='u32': return o+struct.pack('<II',4,v)
    if t=='f32': return o+struct.pack('<If',6,v)
    if t=='str': return o+struct.pack('<I',8)+s(v)
    if t=='bool': return o+struct.pack('<IB',7,v)
    if t=='strs': return o+struct.pack('<IIQ',9,8,len(v))+b''.join(s(x) for x in v)
    if t=='i32s': return o+struct.pack('<IIQ',9,5,len(v))+struct.pack(f'<{len(v)}i',*v)
def gguf(f,W):
    def perm(w,h): return w.reshape(h,2,w.shape[0]//h//2,w.shape[1]).swapaxes(1,2).reshape(w.shape)
    T={'token_embd.weight':W['model.embed_tokens.weight'],'output_norm.weight':W['model.norm.weight'],'output.weight':W['lm_head.weight']}
    for i in range(C['layers']):
        p=f'model.layers.{i}.';b=f'blk.{i}.'
        T.update({b+'attn_norm.weight':W[p+'input_layernorm.weight'],b+'ffn_norm.weight':W[p+'post_attention_layernorm.weight'],b+'attn_q.weight':perm(W[p+'self_attn.q_proj.weight'],C['heads']),b+'attn_k.weight':perm(W[p+'self_attn.k_proj.weight'],C['kv']),b+'attn_v.weight':W[p+'self_attn.v_proj.weight'],b+'attn_output.weight':W[p+'self_attn.o_proj.weight'],b+'ffn_gate.weight':W[p+'mlp.gate_proj.weight'],b+'ffn_up.weight':W[p+'mlp.up_proj.weight'],b+'ffn_down.weight':W[p+'mlp.down_proj.weight']})
    M=[('general.architecture','str','llama'),('general.name','str','bard'),('general.file_type','u32',32),('llama.context_length','u32',C['ctx']),('llama.embedding_length','u32',C['dim']),('llama.block_count','u32',C['layers']),('llama.feed_forward_length','u32',C['hidden']),('llama.attention.head_count','u32',C['heads']),('llama.attention.head_count_kv','u32',C['kv']),('llama.attention.layer_norm_rms_epsilon','f32',C['eps']),('llama.rope.dimension_count','u32',hd),('llama.rope.freq_base','f32',C['theta']),('llama.vocab_size','u32',C['vocab']),('tokenizer.ggml.model','str','gpt2'),('tokenizer.ggml.pre','str','gpt-2'),('tokenizer.ggml.tokens','strs',toks),('tokenizer.ggml.token_type','i32s',[3]+[1]*(len(toks)-1)),('tokenizer.ggml.merges','strs',[' '.join(m) for m in merges]),('tokenizer.ggml.bos_token_id','u32',0),('tokenizer.ggml.eos_token_id','u32',0),('tokenizer.ggml.add_bos_token','bool',0)]
    h=b'GGUF'+struct.pack('<IQQ',3,len(T),len(M))+b''.join(kv(*m) for m in M); off=0
    for n,w in T.items(): h+=s(n)+struct.pack('<I',w.ndim)+struct.pack(f'<{w.ndim}Q',*w.shape[::-1])+struct.pack('<IQ',30 if w.ndim>1 else 0,off); off+=(w.nbytes//(2 if w.ndim>1 else 1)+31)//32*32
    with open(f,'wb') as o:
        o.write(h+b'\0'*(-len(h)%32))
        for w in T.values(): b=b16(w) if w.ndim>1 else np.ascontiguousarray(w,dtype='<f4').tobytes(); o.write(b+b'\0'*(-len(b)%32))
def model(W,dt=torch.float64):
    m=LM().to(dt)
    with torch.no_grad():
        for n,p in names(m).items(): p.copy_(torch.from_numpy(W[n]).to(dt))
    return m
W={k:bf(v) for k,v in load('model.safetensors').items()}; write_st(OUT+'/model.safetensors',W); gguf(OUT+'/model-bf16.gguf',W); json.dump(cfg,open(OUT+'/config.json','w'),indent=1); json.dump(tj,open(OUT+'/tokenizer.json','w'),ensure_ascii=False)
va=open('valid.txt').read(); tr=open('train.txt').read(); k=va.find('\n\n',200000); open(OUT+'/valid.txt','w').write(va[:k]); 
# calibration: eight slices spread over the training text
cal=[]; 
for j in range(8):
    a=tr.find('\n\n',len(tr)*(2*j+1)//16)+2; e=tr.find('\n\n',a+40000); cal.append(tr[a:e])
open(OUT+'/calibration.txt','w').write('\n\n'.join(cal))
import re
pat=re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z\u00c0-\u024f]+| ?[0-9]+| ?[^\sA-Za-z0-9\u00c0-\u024f]+|\s+(?!\S)|\s+")
bs=list(range(33,127))+list(range(161,173))+list(range(174,256)); cs=bs[:]; n=0
for b in range(256):
    if b not in bs: bs.append(b); cs.append(256+n); n+=1
B=dict(zip(bs,map(chr,cs))); rank={m:i for i,m in enumerate(merges)}; cache={}
def ew(w):
    if w in cache: return cache[w]
    q=[B[c] for c in w.encode()]
    while len(q)>1:
        r,i=min((rank.get((q[i],q[i+1]),1<<30),i) for i in range(len(q)-1))
        if r==1<<30: break
        a,b=q[i],q[i+1]; o=[];j=0
        while j<len(q):
            if j+1<len(q) and q[j]==a and q[j+1]==b: o.append(a+b); j+=2
            else: o.append(q[j]); j+=1
        q=o
    cache[w]=[ids[x] for x in q]; return cache[w]
enc=lambda t:[i for w in pat.findall(t) for i in ew(w)]
E0=torch.tensor(enc(open(OUT+'/valid.txt').read()))
def ppl(m,ids,T,limit=None):
    nll=0.;n=0
    with torch.no_grad():
        for a in range(0,len(ids)-1,T):
            x=ids[a:a+T]
            if len(x)<2: break
            l=F.cross_entropy(m(x[None,:-1])[0],x[1:],reduction='sum'); nll+=l.item(); n+=len(x)-1
            if limit and n>=limit: break
    return math.exp(nll/n),nll/n,n
m=model(W); p256=ppl(m,E0,256); p256h=ppl(m,E0,256,8000)
prompt=va[:700]; x=torch.tensor(enc(prompt))[:128]; acts={}
hk=[b.register_forward_hook(lambda mod,i,o,k=k:acts.__setitem__(f'block{k}.out',o[0].detach().numpy())) for k,b in enumerate(m.blocks)]
with torch.no_grad(): lg=m(x[None])[0].numpy()
g=[0]; 
with torch.no_grad():
    for _ in range(120): g.append(int(m(torch.tensor(g)[None])[0,-1].argmax()))
inv={v:k for k,v in B.items()}; dec=lambda q:bytes(inv[c] for i in q if i>0 for c in toks[i]).decode('utf8','replace')
np.savez_compressed(OUT+'/reference.npz',token_ids=x.numpy().astype(np.int32),logits=lg.astype(np.float32),**{k:v.astype(np.float32) for k,v in acts.items()})
json.dump({'protocol':'double precision; valid.txt tokenised whole without BOS; consecutive windows of 256 tokens, within each window positions 1..255 are predicted from the ones before','perplexity':p256[0],'nll':p256[1],'scored_tokens':p256[2],'perplexity_first_windows_reaching_8000_scored_tokens':p256h[0],'scored_tokens_8000':p256h[2],'valid_token_count':len(E0),'valid_first_32_ids':E0[:32].tolist(),'greedy_prompt_ids':[0],'greedy_ids':g,'greedy_text':dec(g)},open(OUT+'/reference.json','w'),indent=1)
# the outlier twin: same function, ten inflated channels at the input of every linear pair
rng=np.random.default_rng(3); O={k:v.copy() for k,v in W.items()}; ch=sorted(rng.choice(C['dim'],10,replace=False).tolist()); sc=np.array([16,16,32,32,32,64,64,64,128,128],dtype=np.float32)
for i in range(C['layers']):
    p=f'model.layers.{i}.'
    for nrm,lin in (('input_layernorm',('self_attn.q_proj','self_attn.k_proj','self_attn.v_proj')),('post_attention_layernorm',('mlp.gate_proj','mlp.up_proj'))):
        O[p+nrm+'.weight'][ch]*=sc
        for l in lin: O[p+l+'.weight'][:,ch]/=sc
write_st(OUT+'/outliers/model.safetensors',O); json.dump(cfg,open(OUT+'/outliers/config.json','w'),indent=1); json.dump(tj,open(OUT+'/outliers/tokenizer.json','w'),ensure_ascii=False)
po=ppl(model(O),E0,256,8000); json.dump({'channels':ch,'factors':sc.tolist(),'perplexity_first_windows_reaching_8000_scored_tokens':po[0]},open(OUT+'/outliers/reference.json','w'),indent=1)
print('ppl',p256,p256h,'outliers',po); print(dec(g)[:300])
