# SPDX-License-Identifier: GPL-3.0-or-later
# Trains a small Llama-architecture LM on CPU; saves Hugging Face-named weights. Usage: train.py MINUTES
import torch,math,time,json,sys,numpy as np,struct
import torch.nn as nn,torch.nn.functional as F
torch.manual_seed(7); torch.set_num_threads(1)
C=dict(dim=256,layers=6,heads=8,kv=4,hidden=768,vocab=2048,ctx=256,theta=10000.0,eps=1e-5)
class RMS(nn.Module):
    def __init__(s,d): super().__init__(); s.weight=nn.Parameter(torch.ones(d))
    def forward(s,x): return x*torch.rsqrt(x.pow(2).mean(-1,keepdim=True)+C['eps'])*s.weight
hd=C['dim']//C['heads']
inv=1.0/(C['theta']**(torch.arange(0,hd,2).float()/hd)); t=torch.arange(C['ctx']).float()
fr=torch.outer(t,inv); COS=torch.cat([fr,fr],-1).cos(); SIN=torch.cat([fr,fr],-1).sin()
def rope(x):
    T=x.shape[2]; h=x.shape[-1]//2; r=torch.cat([-x[...,h:],x[...,:h]],-1); return x*COS[:T]+r*SIN[:T]
class Block(nn.Module):
    def __init__(s):
        super().__init__(); d=C['dim']; k=C['kv']*hd; L=lambda a,b: nn.Linear(a,b,bias=False)
        s.n1=RMS(d);s.n2=RMS(d);s.q=L(d,d);s.k=L(d,k);s.v=L(d,k);s.o=L(d,d);s.g=L(d,C['hidden']);s.u=L(d,C['hidden']);s.d=L(C['hidden'],d)
    def forward(s,x):
        B,T,D=x.shape; h=s.n1(x); q=rope(s.q(h).view(B,T,C['heads'],hd).transpose(1,2)); k=rope(s.k(h).view(B,T,C['kv'],hd).transpose(1,2)); v=s.v(h).view(B,T,C['kv'],hd).transpose(1,2)
        r=C['heads']//C['kv']; k=k.repeat_interleave(r,1); v=v.repeat_interleave(r,1)
        a=(q@k.transpose(-1,-2))/math.sqrt(hd); a=a.masked_fill(MASK[:T,:T],float('-inf')).softmax(-1)
        x=x+s.o((a@v).transpose(1,2).reshape(B,T,D)); h=s.n2(x); return x+s.d(F.silu(s.g(h))*s.u(h))
MASK=torch.triu(torch.ones(C['ctx'],C['ctx'],dtype=torch.bool),1)
class LM(nn.Module):
    def __init__(s):
        super().__init__(); s.emb=nn.Embedding(C['vocab'],C['dim']); s.blocks=nn.ModuleList(Block() for _ in range(C['layers'])); s.norm=RMS(C['dim']); s.head=nn.Linear(C['dim'],C['vocab'],bias=False)
        for n,p in s.named_parameters():
            if p.dim()==2: nn.init.normal_(p,0,0.02/(math.sqrt(2*C['layers']) if n.endswith(('o.weight','d.weight')) else 1))
    def forward(s,i):
        x=s.emb(i)
        for b in s.blocks: x=b(x)
        return s.head(s.norm(x))
def names(m):
    o={'model.embed_tokens.weight':m.emb.weight,'model.norm.weight':m.norm.weight,'lm_head.weight':m.head.weight}
    for i,b in enumerate(m.blocks):
        p=f'model.layers.{i}.'
        for a,w in (('input_layernorm',b.n1),('post_attention_layernorm',b.n2),('self_attn.q_proj',b.q),('self_attn.k_proj',b.k),('self_attn.v_proj',b.v),('self_attn.o_proj',b.o),('mlp.gate_proj',b.g),('mlp.up_proj',b.u),('mlp.down_proj',b.d)): o[p+a+'.weight']=w.weight
    return o
def save(m,f):
    h={};off=0;bl=[]
    for n,w in sorted(names(m).items()):
        a=w.detach().float().numpy(); b=a.tobytes(); h[n]={'dtype':'F32','shape':list(a.shape),'data_offsets':[off,off+len(b)]}; off+=len(b); bl.append(b)
    j=json.dumps(h).encode(); j+=b' '*(-len(j)%8)
    with open(f,'wb') as o: o.write(struct.pack('<Q',len(j))); o.write(j); [o.write(b) for b in bl]
if __name__=='__main__':
    tr=torch.from_numpy(np.fromfile('train.u16',dtype=np.uint16).astype(np.int64)); va=torch.from_numpy(np.fromfile('valid.u16',dtype=np.uint16).astype(np.int64))
    m=LM(); print('params',sum(p.numel() for p in m.parameters()),flush=True)
    dec=[p for p in m.parameters() if p.dim()==2]; nd=[p for p in m.parameters() if p.dim()<2]
    opt=torch.optim.AdamW([{'params':dec,'weight_decay':0.1},{'params':nd,'weight_decay':0}],lr=1,betas=(.9,.95))
    B,T=8,C['ctx']; end=time.time()+60*float(sys.argv[1]); t0=time.time(); step=0; g=torch.Generator().manual_seed(1)
    tot=60*float(sys.argv[1])
    nt=1
    while time.time()<end:
        if step%10==0:
            want=2 if float(open('/proc/loadavg').read().split()[0])<nt+0.6 else 1
            if want!=nt: nt=want; torch.set_num_threads(nt)
        frac=(time.time()-t0)/tot; lr=3e-3*min(1,(step+1)/100)*(0.05+0.95*0.5*(1+math.cos(math.pi*min(1,frac))))
        for gr in opt.param_groups: gr['lr']=lr
        ix=torch.randint(0,len(tr)-T-1,(B,),generator=g); x=torch.stack([tr[i:i+T+1] for i in ix])
        loss=F.cross_entropy(m(x[:,:-1]).reshape(-1,C['vocab']),x[:,1:].reshape(-1)); opt.zero_grad(); loss.backward(); torch.nn.utils.clip_grad_norm_(m.parameters(),1.0); opt.step(); step+=1
        if step%25==0 or step<4: print(step,round(loss.item(),4),f'lr {lr:.5f}',f'{step*B*T/(time.time()-t0):.0f} tok/s',flush=True)
        if step%250==0:
            with torch.no_grad(): l=sum(F.cross_entropy(m(va[k*T:k*T+T][None])[0],va[k*T+1:k*T+T+1]).item() for k in range(60))/60
            print('valid',round(l,4),'ppl',round(math.exp(l),2),flush=True); save(m,'model.safetensors')
    with torch.no_grad(): l=sum(F.cross_entropy(m(va[k*T:k*T+T][None])[0],va[k*T+1:k*T+T+1]).item() for k in range(600))/600
    print('final valid',l,math.exp(l),'steps',step); save(m,'model.safetensors')
